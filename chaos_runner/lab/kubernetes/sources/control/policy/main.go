// Command policy enforces NetworkPolicy on a lab's only node. It watches pods, namespaces and policies, and with each
// change puts one nftables table in the place of the one before. A connection that is established stays.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const pauseAfterError = time.Second

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: policy KUBECONFIG")
		os.Exit(2)
	}
	if err := enforce(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func enforce(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	watched := informers.NewSharedInformerFactory(client, 0)
	changed := changes(watched)
	watched.Start(context.Background().Done())
	watched.WaitForCacheSync(context.Background().Done())
	fmt.Println("watching")
	last := ""
	for range changed {
		table := tableOf(seen(watched))
		if table == last {
			continue
		}
		if err := install(table); err != nil {
			fmt.Fprintln(os.Stderr, err)
			time.Sleep(pauseAfterError)
			notify(changed)
			continue
		}
		last = table
		fmt.Println("installed")
	}
	return nil
}

// changes holds one note at most: many changes at once are one.
func changes(watched informers.SharedInformerFactory) chan struct{} {
	changed := make(chan struct{}, 1)
	noticed := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify(changed) },
		UpdateFunc: func(_, _ any) { notify(changed) },
		DeleteFunc: func(any) { notify(changed) },
	}
	core := watched.Core().V1()
	policies := watched.Networking().V1().NetworkPolicies().Informer()
	for _, one := range []cache.SharedIndexInformer{core.Pods().Informer(), core.Namespaces().Informer(), policies} {
		one.AddEventHandler(noticed)
	}
	return changed
}

func notify(changed chan struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}

// seen is the cluster as the watches have it. Listing from a cache does not fail.
func seen(watched informers.SharedInformerFactory) cluster {
	pods, _ := watched.Core().V1().Pods().Lister().List(labels.Everything())
	namespaces, _ := watched.Core().V1().Namespaces().Lister().List(labels.Everything())
	policies, _ := watched.Networking().V1().NetworkPolicies().Lister().List(labels.Everything())
	found := cluster{pods: reachable(pods), namespaces: map[string]labels.Set{}, policies: sorted(policies)}
	for _, namespace := range namespaces {
		found.namespaces[namespace.Name] = namespace.Labels
	}
	return found
}

func install(table string) error {
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(table)
	if said, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s\n%s", err, said, table)
	}
	return nil
}
