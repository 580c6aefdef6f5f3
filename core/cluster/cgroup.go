package cluster

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// controlGroup reads limits of a process's control groups, of version 1 and 2. A
// limit may stand at any group from the process's own up to the outermost one
// that can be seen here; the lowest counts.
type controlGroup struct {
	root   fs.FS    // of all files of the machine
	memory []string // directories with memory limits, from the inside out
	cpu    []string // directories with processor limits
}

// defaultMount is where groups are when the system does not say.
const defaultMount = "sys/fs/cgroup"

// ownControlGroup finds the groups of this process.
func ownControlGroup(root fs.FS) controlGroup {
	g := controlGroup{root: root}
	groups := ownGroups(root)
	for _, m := range groupMounts(root) {
		for _, name := range m.controllers {
			dirs := m.dirs(groups[name])
			switch name {
			case unified:
				g.memory, g.cpu = append(g.memory, dirs...), append(g.cpu, dirs...)
			case "memory":
				g.memory = append(g.memory, dirs...)
			case "cpu":
				g.cpu = append(g.cpu, dirs...)
			}
		}
	}
	return g
}

// unified stands for the controllers of version 2, which are in one tree.
const unified = ""

// ownGroups are the process's groups by controller.
func ownGroups(root fs.FS) map[string]string {
	groups := make(map[string]string)
	for _, line := range lines(root, "proc/self/cgroup") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) < 3 {
			continue
		}
		for name := range strings.SplitSeq(parts[1], ",") {
			groups[name] = parts[2]
		}
	}
	return groups
}

// groupMount is a tree of groups: the group at its top, and where that is seen.
type groupMount struct {
	controllers []string
	top, dir    string
}

// groupMounts are the trees that can be seen.
func groupMounts(root fs.FS) (mounts []groupMount) {
	for _, line := range lines(root, "proc/self/mountinfo") {
		what, how, ok := strings.Cut(line, " - ")
		place, kind := strings.Fields(what), strings.Fields(how)
		if !ok || len(place) < 5 || len(kind) < 3 {
			continue
		}
		m := groupMount{top: place[3], dir: strings.TrimPrefix(place[4], "/")}
		switch kind[0] {
		case "cgroup2":
			m.controllers = []string{unified}
		case "cgroup":
			m.controllers = strings.Split(kind[2], ",")
		default:
			continue
		}
		mounts = append(mounts, m)
	}
	if len(mounts) == 0 {
		mounts = []groupMount{
			{[]string{unified}, "/", defaultMount},
			{[]string{"memory"}, "/", defaultMount + "/memory"},
			{[]string{"cpu"}, "/", defaultMount + "/cpu"},
		}
	}
	return mounts
}

// dirs are the directories of a group and of those around it. A group that lies
// outside of what is mounted is taken for the mount's top: so it looks from
// inside of a container.
func (m *groupMount) dirs(group string) (dirs []string) {
	below, inside := strings.CutPrefix(path.Clean("/"+group), strings.TrimRight(m.top, "/"))
	if !inside || strings.HasPrefix(group, "/..") {
		below = ""
	}
	for below = path.Clean("/" + below); ; below = path.Dir(below) {
		dirs = append(dirs, path.Join(m.dir, below))
		if below == "/" {
			return dirs
		}
	}
}

// cores lowers the number of usable CPUs to the quotas; a fraction counts as a
// whole core.
func (g controlGroup) cores(cpus int) int {
	cores := max(cpus, 1)
	for _, dir := range g.cpu {
		cores = withQuota(cores, number(g.root, dir+"/cpu.cfs_quota_us"), number(g.root, dir+"/cpu.cfs_period_us"))
		if f := fields(g.root, dir+"/cpu.max"); len(f) == 2 {
			cores = withQuota(cores, parse(f[0]), parse(f[1]))
		}
	}
	return cores
}

func withQuota(cores int, quota, period int64) int {
	if quota <= 0 || period <= 0 {
		return cores
	}
	return min(cores, max(1, int((quota+period-1)/period)))
}

// bytes lowers an amount of memory, 0 for unknown, to the hard and soft limits.
// (The protected amount memory.low is no limit.)
func (g controlGroup) bytes(limit int64) int64 {
	for _, dir := range g.memory {
		for _, name := range []string{"memory.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.max", "memory.high"} {
			limit = lower(limit, number(g.root, dir+"/"+name))
		}
	}
	return limit
}

// lower is the lower of two limits, 0 for none. Version 1 says none with the
// largest number of whole pages, which depends on their size.
func lower(a, b int64) int64 {
	if b <= 0 || b >= 1<<62 || a > 0 && a <= b {
		return a
	}
	return b
}

// number is the number in a file, or 0 when there is none ("max" for instance).
func number(fsys fs.FS, name string) int64 {
	if f := fields(fsys, name); len(f) > 0 {
		return parse(f[0])
	}
	return 0
}

func lines(fsys fs.FS, name string) []string {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil
	}
	return strings.Split(string(b), "\n")
}

func fields(fsys fs.FS, name string) []string {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

func parse(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
