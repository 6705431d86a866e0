package probe

import "strings"

// sentiments asks whether a short review is positive or negative.
func sentiments() []Probe {
	good, bad := []string{"positive"}, []string{"negative"}
	wordings := []string{
		"Is the sentiment of this review positive or negative? \"%\"",
		"Classify the sentiment of the text as positive or negative.\nText: %\nSentiment:",
		"Positive or negative? %",
	}
	before := strings.Fields("sentiment review tone feedback opinion statement comment rating experience one text and but because as since with in about towards overall sentence message emotion feeling")
	var out []Probe
	for i, r := range []struct {
		review   string
		positive bool
	}{
		{"I loved every minute of it.", true},
		{"Terrible service and cold food. Never again.", false},
		{"The battery died after two days and nobody answers my emails.", false},
		{"Best purchase I have made this year!", true},
		{"The staff were friendly and the room was spotless.", true},
		{"What a waste of money.", false},
		{"It broke the first time I used it.", false},
		{"A beautiful film with wonderful actors.", true},
		{"I would recommend this book to everyone.", true},
		{"The plot was boring and far too long.", false},
		{"Not bad at all, I was pleasantly surprised.", true},
		{"I expected more; the sound is awful.", false},
		{"Fast delivery, great quality, fair price.", true},
		{"The app crashes all the time since the update.", false},
		{"My kids play with it every day and they are so happy.", true},
		{"I want a refund.", false},
		{"Delicious! We will certainly come back.", true},
		{"The hotel was dirty and loud.", false},
		{"It does exactly what it promises.", true},
		{"I regret buying these shoes.", false},
	} {
		g := Label{Want: good, Other: bad, Before: before}
		if !r.positive {
			g = Label{Want: bad, Other: good, Before: before}
		}
		out = append(out, Probe{Prompt: strings.Replace(wordings[i%len(wordings)], "%", r.review, 1), Grader: g})
	}
	return out
}

// translations asks for single words and short phrases in other languages.
func translations() []Probe {
	return mentions([]mentionPrompt{
		{"Translate \"cat\" into Spanish.", "gato|gata"},
		{"How do you say \"thank you\" in French?", "merci"},
		{"What is the German word for \"water\"?", "Wasser"},
		{"Translate the word \"house\" to Spanish.", "casa"},
		{"How do you say \"good morning\" in Spanish?", "buenos días|buenos dias|buen día"},
		{"Translate to French: dog", "chien"},
		{"What does the Spanish word \"libro\" mean in English?", "book"},
		{"What does the French word \"pomme\" mean in English?", "apple"},
		{"How do you say \"yes\" in German?", "ja"},
		{"Translate \"red\" into Italian.", "rosso|rossa"},
		{"What is \"milk\" in French?", "lait"},
		{"Translate into English: \"Guten Tag\"", "good day|hello|good afternoon|good morning"},
		{"What does \"amigo\" mean?", "friend"},
		{"Translate to German: \"I love you.\"", "ich liebe dich"},
		{"How do you say \"goodbye\" in Italian?", "arrivederci|ciao|addio"},
		{"Translate the number \"three\" into French.", "trois"},
		{"What is the Spanish word for \"sun\"?", "sol"},
		{"Translate into English: \"La casa es blanca.\"", "the house is white"},
		{"What does \"bonjour\" mean in English?", "hello|good day|good morning"},
		{"How do you write \"night\" in German?", "Nacht"},
	})
}

// completions asks to finish a sentence whose ending is well known.
func completions() []Probe {
	return mentions([]mentionPrompt{
		{"Complete the sentence: The opposite of hot is", "cold"},
		{"Complete the sentence: The sun rises in the", "east"},
		{"Finish this proverb: An apple a day keeps the", "doctor"},
		{"Finish this saying: Better late than", "never"},
		{"Fill in the blank: Fire is hot and ice is ____.", "cold|freezing"},
		{"Fill in the blank: A baby dog is called a ____.", "puppy|pup"},
		{"Complete: Roses are red, violets are", "blue"},
		{"Finish the sentence: Actions speak louder than", "words"},
		{"Fill in the blank: You read with your ____ and hear with your ears.", "eye|eyes"},
		{"Complete the analogy: Bird is to nest as bee is to", "hive|beehive"},
		{"Complete the analogy: Hand is to glove as foot is to", "shoe|sock|boot|shoes|socks|boots"},
		{"Fill in the blank: There are sixty ____ in an hour.", "minutes|minute"},
		{"What word is missing? Twinkle, twinkle, little ____", "star"},
		{"Complete the phrase: Once upon a", "time"},
		{"Fill in the blank: The past tense of \"go\" is ____.", "went"},
		{"The plural of \"mouse\" is", "mice"},
		{"What is a synonym for \"happy\"?", "joy|joyful|glad|cheerful|content|delighted|pleased|elated|joyous|merry"},
		{"What is the opposite of \"empty\"?", "full|filled"},
	})
}

// spelling asks for copying, reversing, counting and changing letters and words.
func spelling() []Probe {
	exact := func(prompt, want string, not ...string) Probe {
		return Probe{Prompt: prompt, Grader: Exact{Want: want, Not: not}}
	}
	out := []Probe{
		exact("Write the word \"cat\" backwards.", "tac"),
		exact("Reverse the word \"stop\".", "pots"),
		exact("Spell \"live\" backwards.", "evil"),
		exact("Repeat exactly: The blue fox sleeps.", "The blue fox sleeps", "repeat"),
		exact("Say the word hello and nothing else.", "hello", "nothing", "say"),
		exact("Write the words \"sun moon star\" in reverse order.", "star moon sun"),
		exact("Sort these words alphabetically: pear, apple, mango.", "apple, mango, pear"),
		exact("Sort these numbers from smallest to largest: 9, 2, 5.", "2, 5, 9"),
		exact("Add the letter s to the end of the word \"dream\".", "dreams"),
		exact("Remove the first letter of the word \"stone\".", "tone"),
		exact("Combine the words \"rain\" and \"bow\" into one word.", "rainbow"),
		{Prompt: "Write \"thank you\" in capital letters.", Grader: Patterns{mustCompile(`\bTHANK YOU\b`)}},
		{Prompt: "Convert to lowercase: HELLO WORLD", Grader: Patterns{mustCompile(`\bhello world\b`)}},
		{Prompt: "Write the first three letters of the alphabet.", Grader: Patterns{mustCompile(`(?i)\bA\W+(?:and )?B\W+(?:and )?C\b|\babc\b`)}},
	}
	out = append(out, mentions([]mentionPrompt{
		{"What is the first letter of the word \"banana\"?", "b"},
		{"What is the last letter of the word \"house\"?", "e"},
		{"Which letter comes after D in the alphabet?", "E"},
		{"Give me a word that rhymes with \"light\".", "night|bright|sight|right|fight|might|tight|kite|white|bite|flight|height|delight|site|write|quite|slight|knight"},
	})...)
	return append(out, numbers([]numberPrompt{
		{"How many letters are in the word \"apple\"?", 5},
		{"How many vowels are in the word \"orange\"?", 3},
		{"How many words are in this sentence: \"I like green tea\"?", 4},
	})...)
}
