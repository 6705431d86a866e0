package eval

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// split is rows to learn from and rows to judge. No prompt text is on both sides, or the index would hold the answers.
type split struct {
	*table
	train, test []int
	seed        uint64
	inner       []*split // of the training rows; they choose the operating point. None in an inner split
	parent      *split   // of an inner split

	nearOnce    sync.Once
	near        map[int][]neighbour
	clusterLock sync.Mutex
	clusters    map[int]*clustering // by number of clusters
}

// unseenEach as Options.Unseen leaves every task out in its turn.
const unseenEach = "each"

// splits lists the outer splits: the folds, the test part, or the tasks left out.
func (t *table) splits(opts Options) ([]*split, error) {
	var out []*split
	all := numbers(0, len(t.rows))
	train, test := all[:t.trained], all[t.trained:]
	switch {
	case len(opts.Unseen) > 0:
		if len(test) == 0 {
			test = train
		}
		groups, err := t.unseen(opts.Unseen, test)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			out = append(out, t.split(without(train, t.ofTasks(train, g)), t.ofTasks(test, g), opts))
		}
	case len(test) > 0:
		out = append(out, t.split(train, test, opts))
	default:
		for deal := range opts.Deals {
			dealt := opts
			dealt.Seed += uint64(deal)
			out = append(out, t.folds(train, dealt)...)
		}
	}
	for _, s := range out {
		if len(s.train) < 20*opts.Folds || len(s.test) == 0 {
			return nil, fmt.Errorf("%d prompts to learn from and %d to judge: want %d and 1 at least", len(s.train), len(s.test), 20*opts.Folds)
		}
		s.inner = t.inner(s, opts)
		for _, in := range s.inner {
			in.parent = s
		}
	}
	return out, nil
}

// inner splits s's training rows to choose the operating point. Where s judges unseen tasks, each training task is unseen in its
// turn: how a router does on more of what it knows says little about how it does on what it does not know.
func (t *table) inner(s *split, opts Options) []*split {
	tasks := t.tasks(s.train)
	if len(opts.Unseen) == 0 || len(tasks) < 2 {
		return t.folds(s.train, opts)
	}
	var out []*split
	for _, task := range tasks {
		rows := t.ofTasks(s.train, []string{task})
		out = append(out, t.split(without(s.train, rows), rows, opts))
	}
	return out
}

func (t *table) split(train, test []int, opts Options) *split {
	seen := map[string]bool{}
	for _, i := range test {
		seen[t.rows[i].prompt] = true
	}
	s := &split{table: t, test: test, seed: opts.Seed}
	for _, i := range train {
		if !seen[t.rows[i].prompt] {
			s.train = append(s.train, i)
		}
	}
	return s
}

// folds deals the rows out at random; each fold is judged by what the others teach.
func (t *table) folds(rows []int, opts Options) []*split {
	rng := rand.New(rand.NewPCG(opts.Seed, 0xf01d))
	test := make([][]int, opts.Folds)
	for at, p := range rng.Perm(len(rows)) {
		test[at%opts.Folds] = append(test[at%opts.Folds], rows[p])
	}
	var out []*split
	for _, f := range test {
		slices.Sort(f)
		out = append(out, t.split(without(rows, f), f, opts))
	}
	return out
}

// unseen groups the tasks that are left out together; "each" of those judged alone.
func (t *table) unseen(tasks []string, test []int) ([][]string, error) {
	known := t.tasks(numbers(0, len(t.rows)))
	if len(tasks) == 1 && tasks[0] == unseenEach {
		var out [][]string
		for _, k := range t.tasks(test) {
			out = append(out, []string{k})
		}
		return out, nil
	}
	for _, task := range tasks {
		if !slices.Contains(known, task) {
			return nil, fmt.Errorf("no prompt is of the task %q; the tasks are %q", task, known)
		}
	}
	return [][]string{tasks}, nil
}

// tasks lists the rows' tasks in order.
func (t *table) tasks(rows []int) []string {
	var out []string
	for _, i := range rows {
		if !slices.Contains(out, t.rows[i].task) {
			out = append(out, t.rows[i].task)
		}
	}
	slices.Sort(out)
	return out
}

func (t *table) ofTasks(rows []int, tasks []string) []int {
	var out []int
	for _, i := range rows {
		if slices.Contains(tasks, t.rows[i].task) {
			out = append(out, i)
		}
	}
	return out
}

func numbers(from, to int) []int {
	out := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// without is rows less the sorted or unsorted others.
func without(rows, others []int) []int {
	gone := make(map[int]bool, len(others))
	for _, i := range others {
		gone[i] = true
	}
	out := make([]int, 0, len(rows))
	for _, i := range rows {
		if !gone[i] {
			out = append(out, i)
		}
	}
	return out
}

// each calls f for every number below n on all cores; the first error stops it.
func each(n int, f func(i int) error) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error { return f(i) })
	}
	return g.Wait()
}
