package bench

// ReferenceLabel says what the reference figures are.
const ReferenceLabel = "Dask 2026.7.1, two worker processes with one thread each, defaults, on a machine with two cores"

type reference struct {
	workload, figure string
	n                int
}

type daskFigure struct {
	value         float64
	lowerIsBetter bool
}

// daskFigures are what [ReferenceLabel] says, by the same workloads.
var daskFigures = map[reference]daskFigure{
	{"startup", "start", 0}:                     {850, true},
	{"noop", "rate", 10_000}:                    {574, false},
	{"latency", "p50", 1000}:                    {10_700, true},
	{"chain", "per task", 1000}:                 {5800, true},
	{"tree", "rate", 1<<14 - 1}:                 {591, false},
	{"fan", "rate", 10_002}:                     {603, false},
	{"transfer", "large", 0}:                    {955, false},
	{"transfer", "small", 1000}:                 {5900, false},
	{"memory", "worker idle", 0}:                {75, true},
	{"memory", "scheduler idle", 0}:             {75, true},
	{"memory", "scheduler per task", heldTasks}: {3900, true},
}
