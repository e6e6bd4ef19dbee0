"""Tests of twinpipe."""
