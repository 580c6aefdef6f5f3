package gdask_test

import (
	"context"
	"fmt"

	"github.com/gdask/gdask"
)

// account is an object that lives on one worker.
type account struct{ Balance int }

func (a *account) Deposit(n int) int { a.Balance += n; return a.Balance }

var openAccount = gdask.ActorFunc[*account]("example.account", func(n int) *account { return &account{n} })

// An actor keeps its state between calls, which run one at a time.
func ExampleActor() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	a, err := openAccount.Submit(c, 100).Result(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(gdask.Call[int](ctx, a, "Deposit", 10).Result(ctx))
	fmt.Println(gdask.Attribute[int](ctx, a, "Balance"))
	// Output:
	// 110 <nil>
	// 110 <nil>
}
