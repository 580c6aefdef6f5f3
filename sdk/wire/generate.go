package wire

//go:generate ./generate.sh msg_task
//go:generate ./generate.sh msg_client
//go:generate ./generate.sh msg_worker
//go:generate ./generate.sh msg_failure
//go:generate ./generate.sh msg_data
