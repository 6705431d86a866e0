// Package chart draws cost against quality: every router's frontier, and our dials by number.
package chart

import (
	"fmt"
	"image/color"
	"io"
	"strconv"

	"flotilla/routing/eval"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Size of a chart, in points of 1/72 inch.
const (
	width  = 820
	height = 520
)

// hue is the colour-blind-safe palette of Okabe and Ito, by router; those not named are grey.
var hue = map[string]color.RGBA{
	"flotilla":             {0xd5, 0x5e, 0x00, 0xff},
	"knn-10":               {0x9a, 0xd0, 0xf5, 0xff},
	"knn-40":               {0x56, 0xb4, 0xe9, 0xff},
	"knn-100":              {0x00, 0x72, 0xb2, 0xff},
	"avengers-pro":         {0x00, 0x9e, 0x73, 0xff},
	"avengers-pro-code":    {0x7f, 0xcf, 0xb8, 0xff},
	"ridge":                {0xcc, 0x79, 0xa7, 0xff},
	"logistic":             {0x8e, 0x4b, 0x70, 0xff},
	"matrix-factorisation": {0xe0, 0xc8, 0x20, 0xff},
	"static-mix":           {0x80, 0x80, 0x80, 0xff},
}

var black = color.RGBA{0x20, 0x20, 0x20, 0xff}

const ours = "flotilla"

// Write draws a benchmark as "svg" or "png".
func Write(w io.Writer, b eval.Benchmark, format string) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s: %d prompts, %d models", b.Name, b.N, b.Models)
	p.Title.Padding = 8
	p.X.Label.Text = "cost, share of the best single model's"
	p.Y.Label.Text = "accuracy, %"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, shares{}
	p.Legend.ThumbnailWidth = 24
	p.Legend.Padding = 2
	p.Add(grid())
	for _, r := range b.Routers {
		if err := add(p, b, r); err != nil {
			return fmt.Errorf("draw %s: %w", r.Name, err)
		}
	}
	if err := marks(p, b); err != nil {
		return fmt.Errorf("draw single models: %w", err)
	}
	canvas, err := p.WriterTo(width, height, format)
	if err != nil {
		return fmt.Errorf("draw chart: %w", err)
	}
	if _, err := canvas.WriteTo(w); err != nil {
		return fmt.Errorf("write chart: %w", err)
	}
	return nil
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = color.Gray{0xe8}, color.Gray{0xe8}
	return g
}

// shares ticks the cost axis at round shares.
type shares struct{}

func (shares) Ticks(low, high float64) []plot.Tick {
	var out []plot.Tick
	for _, v := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5} {
		if v >= low && v <= high {
			out = append(out, plot.Tick{Value: v, Label: strconv.FormatFloat(100*v, 'g', -1, 64) + " %"})
		}
	}
	return out
}

// add draws a router's frontier, and our dials as numbered points.
func add(p *plot.Plot, b eval.Benchmark, r eval.Router) error {
	c, known := hue[r.Name]
	if !known || len(r.Curve) < 2 {
		return nil
	}
	line, err := plotter.NewLine(points(b, r.Curve))
	if err != nil {
		return err
	}
	line.Color, line.Width, line.StepStyle = c, vg.Points(1.2), plotter.PostStep
	if r.Name == "static-mix" {
		line.Dashes, line.StepStyle = []vg.Length{vg.Points(4), vg.Points(3)}, plotter.NoStep
	}
	if r.Name == ours {
		line.Width = vg.Points(2.6)
	}
	p.Add(line)
	p.Legend.Add(r.Name, line)
	if len(r.Dials) == 0 {
		return nil
	}
	var at []eval.Level
	var labels []string
	for i, d := range r.Dials {
		at = append(at, d.Level)
		label := " " + strconv.Itoa(d.Dial)
		if i+1 < len(r.Dials) && r.Dials[i+1].Level == d.Level {
			label = "" // the last of equal dials carries the number
		}
		labels = append(labels, label)
	}
	return scatter(p, points(b, at), labels, c, draw.CircleGlyph{}, "flotilla's dials")
}

func points(b eval.Benchmark, levels []eval.Level) plotter.XYs {
	out := make(plotter.XYs, len(levels))
	for i, l := range levels {
		out[i] = plotter.XY{X: l.Cost / b.BestSingle.Cost, Y: 100 * l.Accuracy}
	}
	return out
}

// marks draws what needs no router.
func marks(p *plot.Plot, b eval.Benchmark) error {
	if err := scatter(p, points(b, []eval.Level{b.BestSingle.Level, b.Cheapest.Level}), []string{" best single", " cheapest"}, black, draw.BoxGlyph{}, ""); err != nil {
		return err
	}
	return scatter(p, points(b, []eval.Level{b.Oracle}), []string{" oracle"}, black, draw.PyramidGlyph{}, "")
}

// scatter draws points with their labels; legend "" has no entry.
func scatter(p *plot.Plot, at plotter.XYs, labels []string, c color.Color, shape draw.GlyphDrawer, legend string) error {
	s, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	s.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(3.5), Shape: shape}
	l, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: labels})
	if err != nil {
		return err
	}
	for i := range l.TextStyle {
		l.TextStyle[i].Color, l.TextStyle[i].YAlign = c, text.YCenter
		l.TextStyle[i].Font.Size = vg.Points(10)
	}
	l.Offset = vg.Point{X: vg.Points(3), Y: vg.Points(-5)}
	p.Add(s, l)
	if legend != "" {
		p.Legend.Add(legend, s)
	}
	return nil
}
