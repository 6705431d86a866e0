// Package probe measures which kinds of prompt a model can answer. It holds a few hundred prompts
// that resemble what people really ask, each with a [Grader] that needs no other model, and a
// runner that is given the way to ask a model as a function: the package itself does no I/O and
// reads no clock.
//
// All prompts are hand-written or generated here (fixed seed), so they and the outcomes may be
// shared under the repository's licence. Outcomes of real runs, with how they were made, are in
// results/; the routing index is built from them.
package probe
