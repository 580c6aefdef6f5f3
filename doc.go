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
// # Submitting
//
// [Function.Submit] and [Function.Map] return at once; [Function.With] and
// [Client.Annotate] give [Options]: priority, retries, timeout, where to run. Results
// come by [Future.Result] and [Gather], [Wait] only waits, [AsCompleted] yields
// futures as they are done, [Completed] takes more meanwhile, [Progress] shows them.
// [Cancel], [Release] and [Client.Retry] act on futures, [FireAndForget] needs none.
// The cluster keeps a result as long as somebody holds its future.
//
// # Graphs
//
// [Function.Delay] builds a graph on the client, which [Delayed.Compute],
// [Delayed.Persist] and, for several ends, [Compute] and [Persist] submit as a whole,
// in an order that frees intermediate results early. In a [Graph] tasks name each
// other by keys.
//
// # Data
//
// [Scatter] moves values to workers. [Client.Publish] keeps results for all
// clients, under a name by which [Dataset] finds them. [Client.Replicate] and
// [Client.Rebalance] move copies, [Client.WhoHas], [Client.HasWhat] and
// [Client.NBytes] tell where they are, and [Client.MemoryManager] controls what
// drops copies that nobody asked for.
//
// # Actors
//
// [ActorFunc] makes objects that live on one worker and keep their state between
// calls: [Call] and [Attribute].
//
// # Coordination
//
// Clients and tasks, of Go and Python, share by name: [Queue], [Variable], [Lock],
// [MultiLock], [Semaphore], [Event], metadata ([Client.SetMetadata], [Metadata]) and
// topics ([Client.LogEvent], [LogEvent], [Client.Subscribe], [Client.TopicEvents]).
//
// # Inside of tasks
//
// A function whose first parameter is a context finds itself by [CurrentTask] and
// its worker by [CurrentWorker]. It submits tasks through a [TaskClient], gives its
// slot away while it waits ([Secede], [Rejoin]), asks to run elsewhere
// ([ErrReschedule]) and tells people things ([Print], [Warn], [Logger]).
//
// # Plugins and functions out of band
//
// [Run] and [RunOnScheduler] call functions in workers, nannies and the scheduler.
// [Client.RegisterWorkerPlugin], [Client.RegisterNannyPlugin] and
// [Client.RegisterSchedulerPlugin] install code there; [MetricFunc] and [InfoFunc]
// tell of workers. [Client.UploadFile], [Client.SetEnviron] and
// [Client.ForwardOutput] are plugins that every program has.
//
// # Operation
//
// [Client.Explain] says why a task does not run, [Client.Story] what happened to
// it, [Client.CallStack] what it does; [Client.PerformanceReport] and
// [Client.DumpClusterState] write files for people, [Client.SchedulerLogs],
// [Client.WorkerLogs] and [Client.ForwardLogging] show logs, and [Future.Recreate] runs a
// failed task here. [Client.Restart], [Client.RestartWorkers],
// [Client.RetireWorkers] and [Client.Shutdown] change the cluster.
//
// # Clusters
//
// [NewClient] starts a [LocalCluster] where it is given no address; [NewLocalCluster]
// takes [LocalOptions]: how many workers, of which class, with how much memory. The
// gdask command runs schedulers and workers for many machines.
//
// # Coming from Dask
//
// Names are Dask's in Go's spelling. What is called otherwise: compute and persist of
// collections are [Compute] and [Persist] of [Delayed] calls, as_completed is
// [AsCompleted] or [Completed], get_client and worker_client are [TaskClient],
// get_worker is [CurrentWorker], get_events is [Client.TopicEvents], subscribe_topic is
// [Client.Subscribe], publish_dataset is [Client.Publish], upload_file is
// [Client.UploadFile], pure=False is Options.Impure, cancel with force is
// [CancelForAll], gather with errors="skip" is [GatherSkip], annotate is
// [Client.Annotate], recreate_error_locally is [Future.RecreateError],
// client.amm is [Client.MemoryManager].
//
// # Errors
//
// What can be told apart is a type, for errors.As, or a value, for errors.Is. The
// error of a task arrives as a [*TaskError] with the worker's stack; a panic is an
// error too. Workers may die at any time: their tasks run again elsewhere, and a task
// that kills its workers again and again ends with a [*KilledWorkerError]. Futures
// fail with a [*CancelledError] when somebody cancels them, with a
// [*ConnectionError] when the scheduler is lost for longer than ClientOptions.Grace,
// and with [ErrClosed] or [ErrReleased] when this program gave them up. Actors have
// [*ActorLostError] and [*ActorCallError], out of band calls [*RunError] and
// [*RunErrors], copies [*CopiesError], and what is shared by name [ErrNotFound],
// [ErrExists] and [ErrNotHeld]. The end of a context is always context.Canceled or
// context.DeadlineExceeded.
package gdask
