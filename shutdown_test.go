package gdask

import (
	"errors"
	"testing"
	"time"
)

// A shutdown is for everybody: the cluster and the futures of other clients end.
func TestShutdownEndsTheClusterForEverybody(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			owner := newClient(t, ctx, o)
			lc, ok := owner.Cluster().(*LocalCluster)
			if !ok {
				t.Fatalf("the client's cluster is a %T", owner.Cluster())
			}
			guest, err := NewClient(ctx, lc)
			if err != nil {
				t.Fatal(err)
			}
			f := patient.With(Options{Impure: true}).Submit(owner, 1)
			if err := guest.Shutdown(ctx); err != nil {
				t.Fatal(err)
			}
			select {
			case <-lc.Done():
			case <-ctx.Done():
				t.Fatal("the scheduler has not ended")
			}
			if err := f.Exception(ctx); !errors.As(err, new(*ConnectionError)) {
				t.Errorf("the future of another client: %v", err)
			}
			if err := guest.Shutdown(ctx); err == nil {
				t.Error("a second shutdown, of a closed client, is no error")
			}
		})
	}
}
