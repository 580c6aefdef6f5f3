package gdask

import (
	"context"
	"testing"
)

// benchClient is a client of the cluster of a benchmark.
func benchClient(b *testing.B, o LocalOptions) (context.Context, *Client) {
	b.Helper()
	o.DashboardAddress = "none"
	ctx := b.Context()
	c, err := NewClient(ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return ctx, c
}

// BenchmarkNoop is the cost of one task of a Map of b.N that do nothing.
func BenchmarkNoop(b *testing.B) {
	for name, o := range modes {
		b.Run(name, func(b *testing.B) {
			ctx, c := benchClient(b, o)
			xs := make([]int, b.N)
			for i := range xs {
				xs[i] = i
			}
			b.ReportAllocs()
			b.ResetTimer()
			fs := inc.Map(c, xs)
			if err := Wait(ctx, fs...); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			Release(fs...)
		})
	}
}

// BenchmarkLatency is one task after the other, each awaited.
func BenchmarkLatency(b *testing.B) {
	for name, o := range modes {
		b.Run(name, func(b *testing.B) {
			ctx, c := benchClient(b, o)
			b.ReportAllocs()
			for i := range b.N {
				f := inc.Submit(c, i)
				if _, err := f.Result(ctx); err != nil {
					b.Fatal(err)
				}
				f.Release()
			}
		})
	}
}

// BenchmarkDefine is what Map spends on one task before anything is sent.
func BenchmarkDefine(b *testing.B) {
	_, c := benchClient(b, modes["threads"])
	b.ReportAllocs()
	args := make([]any, 1)
	for i := range b.N {
		args[0] = i
		if _, err := inc.define(c, args, nil); err != nil {
			b.Fatal(err)
		}
	}
}
