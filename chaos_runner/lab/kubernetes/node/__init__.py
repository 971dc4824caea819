"""The real node: kubelet, containerd and real pods, in a network namespace of its own. Linux, as root."""
