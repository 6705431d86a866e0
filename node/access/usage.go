package access

import "time"

// Usage is what a key has spent: the sum of its receipts. A receipt counts in the periods in which it is charged.
type Usage struct {
	PeriodStart time.Time `json:"period_start,omitzero"`
	Spent       MicroUSD  `json:"spent_micro_usd"` // since PeriodStart
	Total       MicroUSD  `json:"total_micro_usd"` // ever
	Receipts    uint64    `json:"receipts"`
	// Day is the day (since 1970, in UTC) up to which days, weeks and months have begun; the others are what Total was when the latest of
	// each began, so that a charge changes Total alone. nil: it had begun before they were counted.
	Day         int64     `json:"day,omitempty"`
	BeforeDay   *MicroUSD `json:"total_before_day_micro_usd,omitempty"`
	BeforeWeek  *MicroUSD `json:"total_before_week_micro_usd,omitempty"`
	BeforeMonth *MicroUSD `json:"total_before_month_micro_usd,omitempty"`
}

// Roll begins the periods whose time has come: that of a budget, p, and the day, the week and the month. A clock that was set
// back begins none; one that was far ahead leaves the key what it had spent then, until the next period by the right time.
func (u *Usage) Roll(p Period, now time.Time) {
	switch start := p.start(now); {
	case start.After(u.PeriodStart):
		u.PeriodStart, u.Spent = start, 0
	case u.PeriodStart.After(p.End(now)):
		u.PeriodStart = start
	}
	switch today := dayOf(now); {
	case today > u.Day:
		before := u.Total
		u.BeforeDay = &before
		if dayOf(PeriodWeek.start(now)) > u.Day {
			u.BeforeWeek = &before
		}
		if dayOf(PeriodMonth.start(now)) > u.Day {
			u.BeforeMonth = &before
		}
		u.Day = today
	case u.Day > today+1:
		u.Day = today
	}
}

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// countFrom is for what was stored before days were counted: all of it was spent by now, but nobody knows on which day.
func (u *Usage) countFrom(now time.Time) {
	if u.Total > 0 && u.Day == 0 {
		u.Day = dayOf(now)
	}
}

func (u *Usage) charge(amount MicroUSD) {
	u.Spent += amount
	u.Total += amount
	u.Receipts++
}

// In is what the key has spent in the day, week or month that goes on; false: it is not known, as days were not counted when it began.
func (s Status) In(p Period) (spent MicroUSD, known bool) {
	if p == s.Reset { // also known of before days were counted
		return s.Spent, true
	}
	before := map[Period]*MicroUSD{PeriodDay: s.BeforeDay, PeriodWeek: s.BeforeWeek, PeriodMonth: s.BeforeMonth}[p]
	if before == nil {
		return 0, false
	}
	return s.Total - *before, true
}
