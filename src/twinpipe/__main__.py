"""`python -m twinpipe` is `twinpipe`."""

from twinpipe.cli import main

if __name__ == "__main__":
    main()
