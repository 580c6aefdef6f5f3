// Package gdask runs functions of a program on a cluster: many worker processes
// on this machine or many machines, under a scheduler that speaks the protocol of
// Dask.
//
// A function is registered under a name, a client submits calls of it, and
// futures stand for the results. Futures may be arguments of further calls; the
// data stays on the workers.
//
//	var square = gdask.Func[int]("square", func(x int) int { return x * x })
//
//	func main() { gdask.Main(run) }
//
//	func run() {
//		ctx := context.Background()
//		c, err := gdask.NewClient(ctx) // a cluster on this machine
//		...
//		defer c.Close()
//		sum, err := gdask.Gather(ctx, square.Map(c, []int{1, 2, 3}))
//	}
//
// # The program is the cluster
//
// Worker processes are this same program, started again. [Main] must therefore
// be the first thing that main does: in a worker process it becomes the worker
// and never calls the function it was given. Functions that package variables
// register with [Func] are known on both sides.
//
// # Values
//
// Arguments and results may be of any type that can be sent: numbers, strings,
// byte slices, structs with exported fields, maps, and types with
// MarshalBinary. On the worker that made it a result is passed on by reference,
// and without worker processes also to the client: do not change what you were
// given.
//
// # Graphs, tasks that submit tasks, actors
//
// [Function.Delay] builds a graph on the client, which [Compute] and [Persist]
// submit as a whole, in an order that frees intermediate results early. A task
// submits tasks through its [TaskClient]. [ActorFunc] makes objects that live on
// one worker and keep their state between calls.
//
// # Errors
//
// The error of a task arrives as a [*TaskError] with the worker's stack; a panic
// is an error too. Workers may die at any time: their tasks run again elsewhere,
// and a task that kills its workers again and again ends with a
// [*KilledWorkerError].
package gdask
