package admin

import (
	"context"
	"net/http"
)

// maxReviewBytes bounds a review: ten thousand receipt ids.
const maxReviewBytes = 1 << 20

// Feedbacks is the part of a Source that shows and reviews what users said of answers.
type Feedbacks interface {
	Feedback(ctx context.Context) (any, error)
	// ReviewFeedback gets the review by decode, which refuses unknown fields.
	ReviewFeedback(ctx context.Context, decode func(any) error) (any, error)
}

func feedbackPages(mux *http.ServeMux, source Feedbacks) {
	mux.HandleFunc("GET /feedback", read(source.Feedback))
	mux.HandleFunc("POST /feedback/review", withBody(maxReviewBytes, func(ctx context.Context, body []byte) (any, error) {
		return source.ReviewFeedback(ctx, strictly(body))
	}))
}
