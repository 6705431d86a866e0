package settlement

// Price returns the three prices of the advert.
func (a Advert) Price() Price {
	return Price{InputPerMTok: a.InputPerMTok, OutputPerMTok: a.OutputPerMTok, PerRequest: a.PerRequest}
}

// ValidAt says whether the price binds at unix second t.
func (a Advert) ValidAt(t uint64) bool { return a.ValidFrom <= t && t <= a.ValidTo }
