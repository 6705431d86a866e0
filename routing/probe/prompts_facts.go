package probe

import "strings"

// mentionPrompt is a question whose answer must mention one of the words, separated by "|".
type mentionPrompt struct{ prompt, words string }

func mentions(prompts []mentionPrompt) []Probe {
	var out []Probe
	for _, p := range prompts {
		out = append(out, Probe{Prompt: p.prompt, Grader: mention(strings.Split(p.words, "|")...)})
	}
	return out
}

// facts asks for capitals and other short general knowledge.
func facts() []Probe {
	return mentions([]mentionPrompt{
		{"What is the capital of France?", "Paris"},
		{"What is the capital of Japan?", "Tokyo"},
		{"Which city is the capital of Canada?", "Ottawa"},
		{"Tell me the capital city of Egypt.", "Cairo"},
		{"What is the capital of Australia?", "Canberra"},
		{"Name the capital of Norway.", "Oslo"},
		{"capital of Kenya?", "Nairobi"},
		{"What's the capital city of Portugal?", "Lisbon|Lisboa"},
		{"Who wrote the play Romeo and Juliet?", "Shakespeare"},
		{"Who painted the Mona Lisa?", "Leonardo|da Vinci"},
		{"Which planet is known as the Red Planet?", "Mars"},
		{"What is the largest planet in our solar system?", "Jupiter"},
		{"What is the chemical symbol for gold?", "Au"},
		{"What gas do plants absorb from the air?", "carbon dioxide|CO2"},
		{"How many days are there in a leap year?", "366"},
		{"In which year did World War II end?", "1945"},
		{"Who was the first president of the United States?", "Washington"},
		{"What is the tallest mountain in the world?", "Everest"},
		{"What is the longest river in Africa?", "Nile"},
		{"What is the currency of Japan?", "yen"},
		{"Which ocean lies between Europe and America?", "Atlantic"},
		{"Who developed the theory of relativity?", "Einstein"},
		{"What language is spoken in Brazil?", "Portuguese"},
		{"At what temperature in degrees Celsius does water boil at sea level?", "100"},
		{"How many continents are there?", "7|seven"},
		{"What is the hardest natural material?", "diamond|diamonds"},
	})
}

// multipleChoice asks for one of four options by letter.
func multipleChoice() []Probe {
	var out []Probe
	for i, q := range []struct{ question, right, wrong string }{
		{"Which of these is a fruit?", "apple", "chair|hammer|car"},
		{"Which animal can fly?", "eagle", "dog|whale|horse"},
		{"What do bees make?", "honey", "milk|silk|wool"},
		{"Which season comes after winter?", "spring", "autumn|summer|fall"},
		{"Which of these is a metal?", "iron", "wood|glass|cotton"},
		{"How many legs does a spider have?", "eight", "six|four|ten"},
		{"Which organ pumps blood through the body?", "heart", "lung|stomach|brain"},
		{"Which country is in South America?", "Brazil", "Spain|India|Egypt"},
		{"What is frozen water called?", "ice", "steam|fog|dew"},
		{"Which planet is closest to the Sun?", "Mercury", "Venus|Earth|Neptune"},
		{"Who is known for discovering gravity with a falling apple?", "Newton", "Mozart|Picasso|Napoleon"},
		{"Which instrument has black and white keys?", "piano", "violin|drum|flute"},
		{"What is the opposite of \"ancient\"?", "modern", "old|broken|large"},
		{"Which of these numbers is even?", "14", "7|9|21"},
		{"Which shape has three sides?", "triangle", "square|circle|hexagon"},
		{"What do you use to cut paper?", "scissors", "spoon|pillow|ladder"},
		{"Which vitamin does the skin make in sunlight?", "vitamin D", "vitamin A|vitamin C|vitamin K"},
		{"Which language is used to style web pages?", "CSS", "SQL|Bash|Fortran"},
		{"What is the main ingredient of bread?", "flour", "sugar|cheese|rice"},
		{"Which of these is a programming language?", "Python", "Photoshop|Ethernet|Bluetooth"},
		{"Which continent is the Sahara desert in?", "Africa", "Asia|Europe|Antarctica"},
		{"What is the boiling of water into gas called?", "evaporation", "freezing|melting|condensation"},
		{"Which word is a verb?", "run", "table|blue|quickly"},
		{"Which of these is the smallest?", "atom", "cell|grain of sand|ant"},
	} {
		options := strings.Split(q.wrong, "|")
		want := (i*7 + 1) % 4 // spreads the right option evenly over A to D
		options = append(options[:want:want], append([]string{q.right}, options[want:]...)...)
		prompt := q.question
		for j, text := range options {
			prompt += "\n" + string(rune('A'+j)) + ") " + text
		}
		ending := []string{"\nAnswer with the letter only.", "\nWhich option is correct?", "\nReply with A, B, C or D."}[i%3]
		out = append(out, Probe{Prompt: prompt + ending, Grader: Choice{Options: options, Want: want}})
	}
	return out
}

// yesNo asks questions to be answered with yes or no; half of the answers are no.
func yesNo() []Probe {
	yes, no := []string{"yes", "true", "correct"}, []string{"no", "false", "incorrect"}
	var out []Probe
	for _, q := range []struct {
		prompt string
		want   bool
	}{
		{"Is the sun a star? Answer yes or no.", true},
		{"Can penguins fly? Answer yes or no.", false},
		{"Is 15 greater than 12? Answer yes or no.", true},
		{"Is a whale a fish? Answer yes or no.", false},
		{"Is ice colder than boiling water? Answer yes or no.", true},
		{"Do spiders have six legs? Answer yes or no.", false},
		{"All roses are flowers. All flowers are plants. Are all roses plants? Answer yes or no.", true},
		{"Tom is taller than Ann. Ann is taller than Bob. Is Bob taller than Tom? Answer yes or no.", false},
		{"Is Paris in Germany? Answer yes or no.", false},
		{"Is 7 a prime number? Answer yes or no.", true},
		{"Is 9 a prime number? Answer yes or no.", false},
		{"Does the Earth go around the Sun? Answer yes or no.", true},
		{"Is February longer than March? Answer yes or no.", false},
		{"Can a person live without water for a year? Answer yes or no.", false},
		{"Is a square also a rectangle? Answer yes or no.", true},
		{"If today is Monday, is tomorrow Wednesday? Answer yes or no.", false},
		{"If it rains, the street gets wet. It is raining. Is the street getting wet? Answer yes or no.", true},
		{"True or false: sound travels faster than light.", false},
		{"True or false: the human body has one heart.", true},
		{"True or false: Africa is a country.", false},
		{"True or false: water is made of hydrogen and oxygen.", true},
		{"Stones cannot sing. Rocky is a stone. Can Rocky sing? Answer yes or no.", false},
	} {
		g := Label{Want: yes, Other: no}
		if !q.want {
			g = Label{Want: no, Other: yes}
		}
		out = append(out, Probe{Prompt: q.prompt, Grader: g})
	}
	return out
}
