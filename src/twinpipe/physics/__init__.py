"""The physics: pure functions of arrays, one file per process; equations are numbered as in physics.md."""
