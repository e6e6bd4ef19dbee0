"""Laws of physics and numerics that hold for any input, each test named after its law."""
