package gdask

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// TestCleanExitSaysNothing: a cluster that works, shrinks and closes, with results
// that only one worker holds, tasks that run and clients that stay, has nothing to
// warn of.
func TestCleanExitSaysNothing(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 90*time.Second)
			warnings := newLines()
			log := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: warnings})
			o.Logger, o.DashboardAddress, o.NWorkers = log, "none", new(3)
			cluster, err := NewLocalCluster(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			var clients []*Client
			for range 2 {
				c, err := NewClient(ctx, cluster, ClientOptions{Logger: log, NotDefault: true})
				if err != nil {
					t.Fatal(err)
				}
				clients = append(clients, c)
			}
			held := inc.Map(clients[0], upTo(50))
			if _, err := Gather(ctx, held); err != nil {
				t.Fatal(err)
			}
			if err := cluster.Scale(2); err != nil {
				t.Fatal(err)
			}
			if err := cluster.Settled(ctx); err != nil {
				t.Fatal(err)
			}
			nap.With(Options{Impure: true}).Map(clients[0], repeat(60_000, 5), repeat(1, 5))
			if err := clients[0].Close(); err != nil {
				t.Error(err)
			}
			more := inc.Map(clients[1], upTo(50)) // nobody closes this client before the cluster
			if _, err := Gather(ctx, more); err != nil {
				t.Fatal(err)
			}
			if err := cluster.Close(); err != nil {
				t.Error(err)
			}
			said := warnings.String()
			if err := clients[1].Close(); err != nil {
				t.Error(err)
			}
			if strings.TrimSpace(said) != "" {
				t.Errorf("a clean exit says\n%s", said)
			}
		})
	}
}

func upTo(n int) []int {
	xs := make([]int, n)
	for i := range xs {
		xs[i] = i
	}
	return xs
}
