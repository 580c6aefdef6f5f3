package cluster

import (
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a file system of files with these texts.
func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	return fsys
}

// What the system says of mounts of version 2, of version 1, and of both.
const (
	mountsV2 = "22 27 0:21 / /proc rw shared:1 - proc proc rw\n30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw"
	mountsV1 = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
		"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
	mountsBoth      = mountsV1 + "\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"
	mountsContainer = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
		"36 31 0:33 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu"
)

func TestCoresByQuota(t *testing.T) {
	const own = "proc/self/cgroup"
	const mounts = "proc/self/mountinfo"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int
	}{
		{"none", nil, 8},
		{"v2", map[string]string{"sys/fs/cgroup/cpu.max": "250000 100000"}, 3},
		{"v2 unlimited", map[string]string{"sys/fs/cgroup/cpu.max": "max 100000"}, 8},
		{"v2 tiny", map[string]string{"sys/fs/cgroup/cpu.max": "1000 100000"}, 1},
		{"v2 above", map[string]string{"sys/fs/cgroup/cpu.max": "6400000 100000"}, 8},
		{"v1", map[string]string{"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 2},
		{"v1 unlimited", map[string]string{"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 8},
		{"junk", map[string]string{"sys/fs/cgroup/cpu.max": "x y z", own: "what", mounts: "- cgroup2"}, 8},
		{"v2 own group", map[string]string{
			mounts: mountsV2, own: "0::/user.slice/job", "sys/fs/cgroup/user.slice/job/cpu.max": "200000 100000",
			"sys/fs/cgroup/user.slice/cpu.max": "400000 100000",
		}, 2},
		{"v2 group around", map[string]string{
			mounts: mountsV2, own: "0::/user.slice/job", "sys/fs/cgroup/user.slice/job/cpu.max": "max 100000",
			"sys/fs/cgroup/user.slice/cpu.max": "400000 100000",
		}, 4},
		{"v1 own group", map[string]string{
			mounts: mountsV1, own: "3:cpu,cpuacct:/job\n4:memory:/", "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "500000",
			"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000",
		}, 5},
		{"v1 container", map[string]string{
			mounts: mountsContainer, own: "3:cpu:/docker/abc", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
		}, 3},
		{"another's group", map[string]string{
			mounts: mountsV2, own: "0::/job", "sys/fs/cgroup/other/cpu.max": "100000 100000",
		}, 8},
	} {
		if got := ownControlGroup(tree(c.files)).cores(8); got != c.want {
			t.Errorf("%s: %d cores, want %d", c.name, got, c.want)
		}
	}
}

func TestMemoryOfMachine(t *testing.T) {
	const own = "proc/self/cgroup"
	const mounts = "proc/self/mountinfo"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"physical", nil, 1000},
		{"v2", map[string]string{"sys/fs/cgroup/memory.max": "max", "sys/fs/cgroup/memory.high": "300", "sys/fs/cgroup/memory.low": "5"}, 300},
		{"v1", map[string]string{
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712", "sys/fs/cgroup/memory/memory.soft_limit_in_bytes": "700",
		}, 700},
		{"large pages", map[string]string{"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854710272"}, 1000},
		{"v2 nested", map[string]string{
			mounts: mountsV2, own: "0::/a/b", "sys/fs/cgroup/a/b/memory.max": "600", "sys/fs/cgroup/a/memory.max": "500",
			"sys/fs/cgroup/a/b/memory.high": "max",
		}, 500},
		{"v1 in both", map[string]string{
			mounts: mountsBoth, own: "9:name=systemd:/x\n4:memory:/job\n0::/", "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "400",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "900",
		}, 400},
		{"container", map[string]string{mounts: mountsContainer, own: "4:memory:/docker/abc/job", "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "350"}, 350},
		{"outside of what is mounted", map[string]string{mounts: mountsContainer, own: "4:memory:/other", "sys/fs/cgroup/memory/memory.limit_in_bytes": "800"}, 800},
		{"above its namespace", map[string]string{mounts: mountsV2, own: "0::/../up", "sys/fs/cgroup/memory.max": "100"}, 100},
	} {
		if got := ownControlGroup(tree(c.files)).bytes(1000); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
	if got := lower(1000, 200); got != 200 || lower(0, 7) != 7 || lower(7, 0) != 7 {
		t.Errorf("lower: %d", got)
	}
	if m := ThisMachine(); m.Cores < 1 || m.Memory <= 0 {
		t.Errorf("this machine: %+v", m)
	}
}

// Whatever the system says ends the walk up.
func FuzzControlGroups(f *testing.F) {
	f.Add(mountsBoth, "4:memory:/job")
	f.Add(mountsContainer, "0::/../..")
	f.Add("1 1 1:1 // // - cgroup2 c c", "0::"+strings.Repeat("/x", 20))
	f.Fuzz(func(t *testing.T, mounts, groups string) {
		g := ownControlGroup(tree(map[string]string{"proc/self/mountinfo": mounts, "proc/self/cgroup": groups}))
		if n := g.cores(8); n != 8 || g.bytes(1000) != 1000 {
			t.Errorf("%d cores without any limit", n)
		}
	})
}
