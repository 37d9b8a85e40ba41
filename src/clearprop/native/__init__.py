"""Stages -> LLVM IR -> machine code. Knows stages, but nothing of graphs, primitives or Tensors."""
