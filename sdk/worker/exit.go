package worker

// ExitReport is what a supervisor knows of a worker that ends.
type ExitReport struct {
	Class   string   // worker class
	Address string   // contact address of the worker; "" when it ended before that was known
	Pid     int      // its process; 0 when there was none
	Code    int      // exit code; -1 when a signal ended it
	Signal  string   // name of that signal; "" none
	OOM     bool     // there is evidence that memory ran out
	LastLog []string // the last lines of its standard error, oldest first
	Ending  bool     // it is being ended and still runs; a report of its end may follow
	Wanted  bool     // it was asked to end, or its work was done: nobody is to blame
}
