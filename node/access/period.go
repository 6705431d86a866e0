package access

import "time"

// Period is how often a budget starts again: at the full hour, at midnight, on Monday or on the first, in UTC.
type Period string

// The periods of a budget. PeriodNone, like "", never starts again.
const (
	PeriodNone  Period = "none"
	PeriodHour  Period = "hour"
	PeriodDay   Period = "day"
	PeriodWeek  Period = "week"
	PeriodMonth Period = "month"
)

func (p Period) known() bool {
	switch p {
	case "", PeriodNone, PeriodHour, PeriodDay, PeriodWeek, PeriodMonth:
		return true
	}
	return false
}

// start of the period that t lies in; the zero time for a budget that never starts again.
func (p Period) start(t time.Time) time.Time {
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch p {
	case PeriodHour:
		return day.Add(time.Duration(t.Hour()) * time.Hour)
	case PeriodDay:
		return day
	case PeriodWeek:
		return day.AddDate(0, 0, -(int(t.Weekday())+6)%7)
	case PeriodMonth:
		return day.AddDate(0, 0, 1-t.Day())
	}
	return time.Time{}
}

// End of the period that t lies in; the zero time for never.
func (p Period) End(t time.Time) time.Time {
	start := p.start(t)
	switch p {
	case PeriodHour:
		return start.Add(time.Hour)
	case PeriodDay:
		return start.AddDate(0, 0, 1)
	case PeriodWeek:
		return start.AddDate(0, 0, 7)
	case PeriodMonth:
		return start.AddDate(0, 1, 0)
	}
	return time.Time{}
}
