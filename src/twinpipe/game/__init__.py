"""The game's own files: what twinpipe reads from them and gives back to them."""
