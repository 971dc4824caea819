package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Traffic of the node itself (the kubelet's probes, what comes in by a node port) passes: it is not forwarded.
const frame = `table inet chaos_runner_lab
delete table inet chaos_runner_lab
table inet chaos_runner_lab {
%s  chain egress {
%s  }
  chain ingress {
%s  }
  chain forwarded {
    type filter hook forward priority -10; policy accept;
    ct state established,related accept
    jump egress
    jump ingress
  }
  chain received {
    type filter hook input priority -10; policy accept;
    ct state established,related accept
    jump egress
  }
}
`

// cluster is what policies are about.
type cluster struct {
	pods       []*core.Pod
	namespaces map[string]labels.Set
	policies   []*networking.NetworkPolicy
}

// direction is one of the two ways: what a rule's peers are to the packet, and what the pod is.
type direction struct {
	name, peer, pod string
}

var (
	ingress = direction{"in", "saddr", "daddr"}
	egress  = direction{"out", "daddr", "saddr"}
)

// tableOf is the whole table. A pod that no policy selects has no chain, and is not held up.
func tableOf(seen cluster) string {
	var chains, jumpsIn, jumpsOut strings.Builder
	for _, pod := range seen.pods {
		seen.write(&chains, &jumpsIn, pod, ingress)
		seen.write(&chains, &jumpsOut, pod, egress)
	}
	return fmt.Sprintf(frame, chains.String(), jumpsOut.String(), jumpsIn.String())
}

// write adds the pod's chain for one direction, and the jump to it, if a policy isolates the pod in that direction.
func (seen cluster) write(chains, jumps *strings.Builder, pod *core.Pod, way direction) {
	rules, isolated := seen.allowed(pod, way)
	if !isolated {
		return
	}
	name := way.name + "_" + strings.ReplaceAll(pod.Status.PodIP, ".", "_")
	fmt.Fprintf(chains, "  chain %s {\n", name)
	for _, rule := range rules {
		fmt.Fprintf(chains, "    %s return\n", rule)
	}
	fmt.Fprintf(chains, "    counter drop comment \"%s/%s\"\n  }\n", pod.Namespace, pod.Name)
	fmt.Fprintf(jumps, "    ip %s %s jump %s\n", way.pod, pod.Status.PodIP, name)
}

// reachable are the pods with an address of their own, in an order that does not change by itself.
func reachable(pods []*core.Pod) []*core.Pod {
	found := slices.DeleteFunc(slices.Clone(pods), func(pod *core.Pod) bool {
		over := pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed
		return over || pod.Spec.HostNetwork || pod.Status.PodIP == "" || isSimulated(pod)
	})
	slices.SortFunc(found, func(a, b *core.Pod) int { return cmp.Compare(a.Status.PodIP, b.Status.PodIP) })
	return found
}

// isSimulated says whether the pod has no network: a simulated node's addresses are made up, and may be another's.
func isSimulated(pod *core.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Tolerations, func(one core.Toleration) bool {
		return strings.HasPrefix(one.Key, "kwok.x-k8s.io/")
	})
}

func sorted(policies []*networking.NetworkPolicy) []*networking.NetworkPolicy {
	return slices.SortedFunc(slices.Values(policies), func(a, b *networking.NetworkPolicy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}
