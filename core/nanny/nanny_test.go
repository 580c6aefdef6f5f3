package nanny

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDecide(t *testing.T) {
	tests := []struct {
		name     string
		limit    int64
		fraction float64
		samples  []int64
		want     []action
	}{
		{"below", 1000, 0.95, []int64{0, 500, 950}, []action{nothing, nothing, nothing}},
		{"above", 1000, 0.95, []int64{950, 951, 951}, []action{nothing, terminate, kill}},
		{"asked once, also when it recovers", 1000, 0.5, []int64{501, 400, 500, 600}, []action{terminate, nothing, nothing, kill}},
		{"more than all", 1000, 1.5, []int64{1500, 1501}, []action{nothing, terminate}},
		{"big", 1 << 50, 0.95, []int64{1 << 49, 1 << 50}, []action{nothing, terminate}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := state{limit: tt.limit, fraction: tt.fraction}
			for i, rss := range tt.samples {
				if got := s.decide(rss); got != tt.want[i] {
					t.Errorf("sample %d of %d bytes: %v, want %v", i, rss, got, tt.want[i])
				}
			}
		})
	}
}

// watched runs a watch over samples, one per tick, for as many intervals; it
// returns what was asked and when.
func watched(t *testing.T, m *Monitor, limit int64, samples ...any) (asked []string) {
	t.Helper()
	next := 0
	m.sample = func(_ context.Context, pid int) (int64, error) {
		if pid != 42 {
			t.Errorf("sampled process %d", pid)
		}
		if next == len(samples) {
			return 0, nil
		}
		next++
		if err, ok := samples[next-1].(error); ok {
			return 0, err
		}
		return int64(samples[next-1].(int)), nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*m.policy.Interval)
	defer cancel()
	start := time.Now()
	m.Watch(ctx, Process{"w-7", 42, limit}, func(kill bool) {
		asked = append(asked, fmt.Sprintf("%v kill=%v", time.Since(start), kill))
	})
	return asked
}

func TestWatch(t *testing.T) {
	gone := errors.New("no such process")
	for _, tt := range []struct {
		name    string
		policy  Policy
		limit   int64
		samples []any
		want    []string
	}{
		{"grows", DefaultPolicy(), 1000, []any{900, 990, 999}, []string{"200ms kill=false", "300ms kill=true"}},
		{"recovers", DefaultPolicy(), 1000, []any{990, 10, 10}, []string{"100ms kill=false"}},
		{"cannot be sampled for a moment", DefaultPolicy(), 1000, []any{gone, 990, gone, 990}, []string{"200ms kill=false", "400ms kill=true"}},
		{"says no more after the kill", Policy{Terminate: 0.5}, 1000, []any{600, 600, 600, 600}, []string{"100ms kill=false", "200ms kill=true"}},
		{"own interval", Policy{0.95, time.Minute}, 1000, []any{1000}, []string{"1m0s kill=false"}},
		{"switched off", Policy{0, time.Second}, 1000, []any{5000, 5000}, nil},
		{"no limit", DefaultPolicy(), 0, []any{5000, 5000}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := watched(t, New(tt.policy, nil), tt.limit, tt.samples...); !slices.Equal(got, tt.want) {
					t.Errorf("asked %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestWhatIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		watched(t, New(DefaultPolicy(), hclog.New(&hclog.LoggerOptions{Output: &log})), 1<<30, 1020<<20, 1022<<20)
		for _, want := range []string{"[WARN]", "worker=w-7", "pid=42", `limit="1.00 GiB"`, `resident="1.00 GiB"`, `used="100%"`, `allowed="95%"`, "is ended", "is killed"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s is missing in %s", want, &log)
			}
		}
	})
}

func TestWatchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m := New(DefaultPolicy(), nil)
		m.sample = func(context.Context, int) (int64, error) { return 0, nil }
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			m.Watch(ctx, Process{Pid: 42, Limit: 1}, func(bool) { t.Error("ended for nothing") })
		}()
		<-time.After(time.Second)
		cancel()
		<-ended
	})
}
