package main

import (
	"fmt"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// rule is what an ingress rule and an egress rule have in common.
type rule struct {
	peers []networking.NetworkPolicyPeer
	ports []networking.NetworkPolicyPort
}

// allowed are nftables matches for all that may come to (or go from) a pod, and whether any policy isolates it.
func (seen cluster) allowed(pod *core.Pod, way direction) (matches []string, isolated bool) {
	for _, policy := range seen.policies {
		if policy.Namespace != pod.Namespace || !selects(&policy.Spec.PodSelector, pod.Labels) {
			continue
		}
		rules, concerned := rulesOf(policy, way)
		isolated = isolated || concerned
		for _, one := range rules {
			matches = append(matches, seen.matches(one, policy.Namespace, pod, way)...)
		}
	}
	return matches, isolated
}

func rulesOf(policy *networking.NetworkPolicy, way direction) (rules []rule, concerned bool) {
	if way == ingress {
		for _, one := range policy.Spec.Ingress {
			rules = append(rules, rule{one.From, one.Ports})
		}
		return rules, slices.Contains(policy.Spec.PolicyTypes, networking.PolicyTypeIngress)
	}
	for _, one := range policy.Spec.Egress {
		rules = append(rules, rule{one.To, one.Ports})
	}
	return rules, slices.Contains(policy.Spec.PolicyTypes, networking.PolicyTypeEgress)
}

// matches are those of one rule: each peer with each port. No peers are everyone, no ports are all.
func (seen cluster) matches(one rule, namespace string, pod *core.Pod, way direction) (found []string) {
	if len(one.peers) == 0 {
		return portMatches(one.ports, receivers(pod, nil, way))
	}
	for _, peer := range one.peers {
		if peer.IPBlock != nil {
			if strings.Contains(peer.IPBlock.CIDR, ":") {
				continue // the lab has no IPv6
			}
			for _, port := range portMatches(one.ports, receivers(pod, nil, way)) {
				found = append(found, joined(block(peer.IPBlock, way), port))
			}
			continue
		}
		for _, other := range seen.peers(peer, namespace) {
			for _, port := range portMatches(one.ports, receivers(pod, other, way)) {
				found = append(found, joined("ip "+way.peer+" "+other.Status.PodIP, port))
			}
		}
	}
	return found
}

// peers are the pods that a peer's selectors mean; without one for namespaces, those of the policy's own.
func (seen cluster) peers(peer networking.NetworkPolicyPeer, namespace string) []*core.Pod {
	return slices.DeleteFunc(slices.Clone(seen.pods), func(pod *core.Pod) bool {
		if peer.NamespaceSelector == nil {
			if pod.Namespace != namespace {
				return true
			}
		} else if !selects(peer.NamespaceSelector, seen.namespaces[pod.Namespace]) {
			return true
		}
		return peer.PodSelector != nil && !selects(peer.PodSelector, pod.Labels)
	})
}

// receivers is the pod whose port names count: the one that is connected to. Nil when it is not a single known pod.
func receivers(pod, other *core.Pod, way direction) *core.Pod {
	if way == ingress {
		return pod
	}
	return other
}

func block(peer *networking.IPBlock, way direction) string {
	match := "ip " + way.peer + " " + peer.CIDR
	if len(peer.Except) > 0 {
		match += " ip " + way.peer + " != { " + strings.Join(peer.Except, ", ") + " }"
	}
	return match
}

// portMatches has one empty match for "every port". A name that the receiver does not have matches nothing.
func portMatches(ports []networking.NetworkPolicyPort, receiver *core.Pod) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var found []string
	for _, port := range ports {
		protocol := "tcp"
		if port.Protocol != nil {
			protocol = strings.ToLower(string(*port.Protocol))
		}
		switch {
		case port.Port == nil:
			found = append(found, "meta l4proto "+protocol)
		case port.Port.StrVal != "":
			found = append(found, named(port.Port.StrVal, protocol, receiver)...)
		case port.EndPort != nil:
			found = append(found, fmt.Sprintf("%s dport %d-%d", protocol, port.Port.IntVal, *port.EndPort))
		default:
			found = append(found, fmt.Sprintf("%s dport %d", protocol, port.Port.IntVal))
		}
	}
	return found
}

func named(name, protocol string, receiver *core.Pod) (found []string) {
	if receiver == nil {
		return nil
	}
	for _, container := range receiver.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name {
				found = append(found, fmt.Sprintf("%s dport %d", protocol, port.ContainerPort))
			}
		}
	}
	return found
}

func joined(matches ...string) string {
	return strings.TrimSpace(strings.Join(matches, " "))
}

func selects(selector *meta.LabelSelector, set labels.Set) bool {
	found, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && found.Matches(set)
}
