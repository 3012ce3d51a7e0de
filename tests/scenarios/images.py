"""The images of the sandbox, by name."""

PYTORCH = "pytorch-2.4.qcow2"  # on hub only, 18 GiB
CUDA = "ubuntu-22.04-cuda-12.qcow2"  # on both servers and on gpu1
