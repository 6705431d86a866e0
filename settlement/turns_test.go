package settlement_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/settlement"
)

// TestTurns: each item is worked on once, in groups that do not overlap, and those that come while one is worked on go together.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, most, rounds = 100, 30, 5
		var atWork atomic.Bool
		var mu sync.Mutex // guards done; never held while time passes
		done := map[[2]int]int{}
		var groups []int
		turns := settlement.NewTurns(most, func(group [][2]int) {
			if !atWork.CompareAndSwap(false, true) {
				t.Error("two groups at once")
			}
			defer atWork.Store(false)
			time.Sleep(time.Second)
			groups = append(groups, len(group))
			mu.Lock()
			defer mu.Unlock()
			for _, item := range group {
				done[item]++
			}
		})
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				for round := range rounds {
					turns.Do([2]int{caller, round})
					mu.Lock()
					if n := done[[2]int{caller, round}]; n != 1 {
						t.Errorf("caller %d was answered, its item was worked on %d times", caller, n)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(done) != callers*rounds {
			t.Errorf("%d items were worked on, want %d", len(done), callers*rounds)
		}
		for i, n := range groups {
			if n > most || i > 0 && i < len(groups)/2 && n != most {
				t.Errorf("group %d has %d items, at most %d: all %v", i, n, most, groups)
			}
		}
	})
}
