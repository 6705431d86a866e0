package node

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"flotilla/node/access"
	"flotilla/node/openai"
	"flotilla/p2p"
	"flotilla/routing"
)

// tracerName names what makes the spans.
const tracerName = "flotilla/node"

// traceRoute opens the span of one routing decision; the returned function ends it.
func (g *Gateway) traceRoute(ctx context.Context, req openai.Request) (context.Context, func(routing.Decision, error)) {
	ctx, span := g.tracer.Start(ctx, "route", trace.WithAttributes(semconv.GenAIRequestModel(req.Model), attribute.Float64("flotilla.dial", req.Dial)))
	return ctx, func(d routing.Decision, err error) {
		if err != nil {
			fail(span, err)
		} else {
			span.SetAttributes(attribute.String("flotilla.model", string(d.Pick.Model)), attribute.String("flotilla.operator", d.Pick.Operator),
				attribute.String("flotilla.reason", string(d.Reason)), attribute.Float64("flotilla.predicted_quality", d.Pick.Quality),
				attribute.Int("flotilla.candidates", d.ConsideredTotal), attribute.Bool("flotilla.out_of_distribution", d.OutOfDistribution))
		}
		span.End()
	}
}

// beginTrace opens the span of one order to one operator, by the semantic conventions for calls of generative models.
func (a *attempt) beginTrace(ctx context.Context) context.Context {
	model := string(a.choice.Model)
	attrs := []attribute.KeyValue{
		semconv.GenAIProviderNameKey.String("flotilla"), semconv.GenAIRequestModel(model), semconv.ServerAddress(a.choice.Operator), attribute.Int("flotilla.attempt", a.tries+1),
	}
	name := "chat "
	if a.req.Inputs > 0 {
		name = "embeddings "
		attrs = append(attrs, semconv.GenAIOperationNameEmbeddings)
	} else {
		attrs = append(attrs, semconv.GenAIOperationNameChat, semconv.GenAIRequestMaxTokens(int(a.opening.Order.MaxOutputTokens)), semconv.GenAIRequestStream(a.req.Stream))
	}
	ctx, a.span = a.g.tracer.Start(ctx, name+model, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	return ctx
}

// endTrace tells what came of it: the bill, if there is one.
func (a *attempt) endTrace(err error) {
	bill := a.final
	switch {
	case err != nil:
		fail(a.span, err)
	case bill.ReceiptID != "":
		a.span.SetAttributes(
			semconv.GenAIResponseModel(string(a.choice.Model)), semconv.GenAIResponseID(bill.ReceiptID),
			semconv.GenAIUsageInputTokens(int(bill.PromptTokens)), semconv.GenAIUsageOutputTokens(int(bill.CompletionTokens)),
			attribute.Int64("flotilla.cost_micro_usd", int64(bill.CostMicroUSD)), attribute.Bool("flotilla.partial", bill.Partial))
	}
	a.span.End()
}

func fail(span trace.Span, err error) {
	kind := errorType(err)
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, kind)
}

// errorType is a word for an error: never its text, which may quote a prompt.
func errorType(err error) string {
	var api *openai.APIError
	var fault *modelFault
	var rejected *p2p.RejectedError
	var budget *access.BudgetError
	var infeasible *routing.InfeasibleError
	switch {
	case errors.As(err, &api):
		return api.Code
	case errors.As(err, &fault) && fault.Code != "":
		return fault.Code
	case errors.As(err, &rejected):
		return "rejected"
	case errors.As(err, &budget) && budget.Passing():
		return codeBudgetHeld
	case errors.As(err, &budget):
		return codeNoQuota
	case errors.As(err, &infeasible):
		return "no_capable_operator"
	case errors.Is(err, routing.ErrUnknownModel):
		return "model_not_found"
	case errors.Is(err, context.Canceled):
		return "client_gone"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "_OTHER" // as the conventions say
}
