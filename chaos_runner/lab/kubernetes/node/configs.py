"""What containerd, its network plugins, the kubelet and kube-proxy are told. JSON is YAML; TOML is written out."""

import json
from pathlib import Path
from typing import Any, Final

from chaos_runner.lab.kubernetes.certificates import AUTHORITY
from chaos_runner.lab.kubernetes.node.needs import PLUGINS, tool
from chaos_runner.lab.kubernetes.node.network import ADDRESS
from chaos_runner.lab.kubernetes.servers import KUBE_PROXY, Place

PODS_RANGE: Final = "10.244.0.0/24"
DNS_SERVICE: Final = "10.96.0.10"
NODE: Final = "lab-node"
CONTAINERD_SOCKET: Final = "containerd"
NETWORK: Final = "chaos-runner-lab"
PAUSE_IMAGE: Final = "chaos-runner.lab/pause:1"
_KUBELET_PORT: Final = 10250

# `restrict_oom_score_adj`: in a container of its own, root may not lower a score. `netns_mounts_under_state_dir`: so
# that nothing of the pods stays in /run/netns.
_CONTAINERD: Final = """\
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/cni"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "{runc}"
        SystemdCgroup = false
"""


def containerd_socket(place: Place) -> Path:
    """Where containerd answers."""
    return place.sockets / CONTAINERD_SOCKET


def containerd_file(place: Place) -> Path:
    return place.folder / "containerd.toml"


def authority_file(place: Place) -> Path:
    """The certificate of the lab's own authority."""
    return place.certificates / f"{AUTHORITY}.crt"


def kubelet_file(place: Place) -> Path:
    return place.folder / "kubelet.json"


def proxy_file(place: Place) -> Path:
    return place.folder / "kube-proxy.json"


def write(place: Place) -> None:
    """Writes all of them into the lab's folder."""
    containerd_file(place).write_text(_CONTAINERD.format(
        folder=place.folder, socket=containerd_socket(place), pause=PAUSE_IMAGE, plugins=PLUGINS, runc=tool("runc")),
        encoding="utf-8")
    (place.folder / "cni").mkdir()
    _write(place.folder / "cni" / "lab.conflist", _network(place))
    _write(kubelet_file(place), _kubelet(place))
    _write(proxy_file(place), _proxy(place))
    (place.folder / "resolv.conf").write_text(f"nameserver {DNS_SERVICE}\n", encoding="utf-8")


def _write(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=1), encoding="utf-8")


def _network(place: Place) -> dict[str, Any]:
    """One bridge. Without the default route, a pod could not reach the address of a Service."""
    addresses = {"type": "host-local", "dataDir": str(place.folder / "addresses"),
                 "ranges": [[{"subnet": PODS_RANGE}]], "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {"type": "bridge", "bridge": "lab-pods", "isGateway": True, "ipMasq": False, "hairpinMode": True,
              "ipam": addresses}
    return {"cniVersion": "1.0.0", "name": NETWORK, "plugins": [bridge]}


def _kubelet(place: Place) -> dict[str, Any]:
    """A node that is quick to say how it is, and never tidies images away: they cannot be pulled again."""
    own, folder = place.certificates, place.folder
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": ADDRESS, "port": _KUBELET_PORT, "healthzBindAddress": "127.0.0.1",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": str(authority_file(place))}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(own / "kubelet.crt"), "tlsPrivateKeyFile": str(own / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{containerd_socket(place)}",
        "cgroupDriver": "cgroupfs", "failCgroupV1": False, "failSwapOn": False, "oomScoreAdj": 0,
        "clusterDNS": [DNS_SERVICE], "clusterDomain": "cluster.local", "resolvConf": str(folder / "resolv.conf"),
        "podLogsDir": str(folder / "pod-logs"), "volumePluginDir": str(folder / "volume-plugins"),
        "makeIPTablesUtilChains": False, "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi",
                         "nodefs.inodesFree": "1%"},
        "nodeStatusUpdateFrequency": "3s", "nodeLeaseDurationSeconds": 8,
    }


def _proxy(place: Place) -> dict[str, Any]:
    """Changed endpoints count within a tenth of a second. What belongs to the whole machine is left alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(place.kubeconfig(KUBE_PROXY))},
        "mode": "nftables", "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
        "hostnameOverride": NODE, "clusterCIDR": PODS_RANGE, "bindAddress": ADDRESS, "oomScoreAdj": 0,
        "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
        "nodePortAddresses": [f"{ADDRESS}/32"],
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
