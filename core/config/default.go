package config

import "time"

// Default is the configuration of a user who said nothing.
func Default() Config {
	return Config{
		LogLevel:   "warn",
		Cluster:    Cluster{MemoryLimit: "auto", DashboardAddress: ":8787"},
		Scheduling: Scheduling{Unsatisfiable: UnsatisfiableFail, ClientGrace: Duration(30 * time.Second), Watchdog: Duration(5 * time.Minute)},
		Distributed: Distributed{
			Scheduler: Scheduler{
				AllowedFailures:     3,
				Bandwidth:           100_000_000,
				DefaultDataSize:     1024,
				WorkerSaturation:    1.1,
				WorkerTTL:           Duration(5 * time.Minute),
				UnknownTaskDuration: Duration(500 * time.Millisecond),

				EventsCleanupDelay: Duration(time.Hour),
				Locks:              Locks{LeaseValidationInterval: Duration(10 * time.Second), LeaseTimeout: Duration(30 * time.Second)},
				Dashboard:          Dashboard{Status: TaskStream{1000}, Tasks: TaskStream{100_000}},

				MemoryManager: MemoryManager{
					Start: true, Interval: Duration(2 * time.Second), Measure: "optimistic", Policies: Policies{ReduceReplicas},
				},

				WorkStealing: true, WorkStealingInterval: Duration(time.Second),
			},
			Admin: Admin{LogLength: 10_000, LowLevelLogLength: 1000},
			Worker: Worker{Memory: Memory{
				Target: 0.60, Spill: 0.70, Pause: 0.80, Terminate: 0.95, Transfer: 0.10, SpillCompression: "auto",
				MonitorInterval: Duration(100 * time.Millisecond),
				RecentToOldTime: Duration(30 * time.Second),
				Rebalance:       Rebalance{Measure: "optimistic", SenderMin: 0.3, RecipientMax: 0.6, SenderRecipientGap: 0.1},
			}, Connections: Connections{Incoming: 10, Outgoing: 50}, Transfer: Transfer{MessageBytesLimit: 50_000_000}},
			Nanny: Nanny{PreSpawnEnviron: map[string]string{
				"MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
			}},
			Comm: Comm{
				DefaultScheme: "tcp",
				Timeouts:      Timeouts{TCP: Duration(30 * time.Second), Connect: Duration(30 * time.Second)},
			},
		},
	}
}
