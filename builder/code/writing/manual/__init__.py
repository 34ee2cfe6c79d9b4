"""The style `manual`: raw tensors and the arithmetic of every layer written out."""
