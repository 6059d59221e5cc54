#!/bin/bash
# Stands in for claude where hundreds of jobs have to be cheap: it speaks the same streams within milliseconds.
# What it does stands in the prompt: stay (as long as it is held), limit and fail (once for each word-N), long,
# deaf (it does not tell that it takes more words), leave, which leaves what it was sent for people, tell, which uses
# the tools that it is given, wonder, which asks people by one of them, and enquire, which asks whether it may go on.
# Who is to alter something commits a file, and leaves another one.
IFS= read -r prompt
[[ $prompt =~ word-[0-9]+ ]] && word=${BASH_REMATCH[0]}
read -r id < /proc/sys/kernel/random/uuid
while [ $# -gt 0 ]; do
    if [ "$1" = --resume ]; then id=$2; fi
    if [ "$1" = --mcp-config ]; then
        [[ $2 =~ '"command":"'([^\"]*)'","args":'\[([^]]*)\] ]]
        bridge=("${BASH_REMATCH[1]}")
        IFS=, read -r -a arguments <<< "${BASH_REMATCH[2]//\"/}"
        bridge+=("${arguments[@]}")
    fi
    shift
done

# Two agents must never work on one thing, nor in one conversation: whoever finds another there tells on it.
exec 8> "$CLAUDE_CONFIG_DIR/lock-$id" 9> "$CLAUDE_CONFIG_DIR/lock-${word:-$id-itself}"
flock --nonblock 8 || echo "$id" >> "$CLAUDE_CONFIG_DIR/met"
flock --nonblock 9 || echo "$word" >> "$CLAUDE_CONFIG_DIR/met"
trap 'sleep 0.5; exit 143' TERM # as the real one, which cleans up first

first() {
    mkdir "$CLAUDE_CONFIG_DIR/seen-$1-$word" 2> /dev/null
}
say() {
    printf '{"type":"assistant","message":{"id":"m","model":"claude-opus-5-5","content":[{"type":"text","text":"%s"}]},"parent_tool_use_id":null}\n' "$1"
}
use() {
    printf '{"type":"assistant","message":{"id":"m","model":"claude-opus-5-5","content":[{"type":"tool_use","id":"%s","name":"Bash","input":{"command":"make %s"}}]},"parent_tool_use_id":null}\n' "$1" "$1"
    printf '{"type":"user","message":{"role":"user","content":[{"tool_use_id":"%s","type":"tool_result","content":"ok"}]},"parent_tool_use_id":null}\n' "$1"
}
end() {
    printf '{"type":"result","subtype":"success","is_error":%s,"num_turns":2,"total_cost_usd":0.01,"duration_ms":5,"result":"%s","session_id":"%s","terminal_reason":"%s"}\n' "$1" "$2" "$id" "$3"
}
tell() {
    [[ $prompt = *deaf* ]] || printf '{"type":"command_lifecycle","command_uuid":"%s","state":"%s"}\n' "$1" "$2"
}
# Calls a tool; keeps a note of what it was answered for.
call() {
    printf '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":%s}}\n' "$1" "$2" |
        "${bridge[@]}" | grep -q '"isError": false' && echo "$1 $word" >> "$CLAUDE_CONFIG_DIR/told"
}
said=()
ended= interrupted= answered=
# Takes in what is written to us, or what comes within so many seconds.
hear() {
    local line
    while IFS= read -r ${1:+-t "$1"} line || { [ $? -gt 128 ] || ended=yes; false; }; do
        if [[ $line = *control_response* ]]; then answered=yes; return; fi
        if [[ $line = *control_request* ]]; then interrupted=yes; return; fi
        [[ $line =~ '"uuid": "'([0-9a-f-]+) ]] && said+=("${BASH_REMATCH[1]}") && tell "${BASH_REMATCH[1]}" queued
        [ "$1" ] || return
    done
}

# Before there is a session: whoever goes on with one is told only to go on, and knows of no file.
if [[ $prompt = *leave* ]]; then
    sent=$(printf %s "$prompt" | grep -o '/[^ ]*/received/[^ ]*' | head -n 1)
    cp "$sent" "$(printf %s "$prompt" | grep -o '/[^ ]*/results' | head -n 1)/$word.txt"
fi
printf '{"type":"system","subtype":"init","session_id":"%s","model":"claude-opus-5-5","apiKeySource":"none"}\n' "$id"
tell "$id" started
say "Begun with $word.\\n"
case $prompt in
    *stay*) while [ -e "$CLAUDE_CONFIG_DIR/held" ] && [ ! "$interrupted" ]; do
        if [ "$ended" ]; then sleep 0.05; else hear 0.05; fi
    done ;;
    *enquire*)
        printf '{"type":"control_request","request_id":"%s","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"enquire %s"},"tool_use_id":"q"}}\n' "$id" "$word"
        while [ ! "$answered$interrupted$ended" ]; do hear ""; done ;;
    *limit*)
        if first limit; then
            resets=$(($(date +%s) + 2))
            printf '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":%s,"rateLimitType":"five_hour"}}\n' $resets
            printf '{"type":"assistant","message":{"id":"l","model":"<synthetic>","content":[{"type":"text","text":"Limit."}]},"parent_tool_use_id":null,"error":"rate_limit"}\n'
            end true "You have hit your 5-hour limit" api_error
            cat > /dev/null
            exit 1
        fi ;;
    *fail*) if first fail; then echo "It broke." >&2; exit 3; fi ;;
    *tell*)
        call progress '{"done":1,"total":2}'
        call post_update "{\"text\":\"Update of $word\"}"
        call publish_report "{\"markdown\":\"# All about $word\"}" ;;
    *wonder*) call ask_person '{"question":"Which way?","choices":["Left","Right"]}' ;;
    *alter*)
        echo "$word" > "$word.txt"
        git add -A && git commit -qm "Write $word" && echo more > "more-$word.txt" ;;
    *long*)
        number=0
        while [ $number -lt 40 ]; do
            number=$((number + 1))
            [ $((number % 10)) = 0 ] && sleep 0.12
            say "Line $number of $word: the quick brown fox jumps over the lazy dog, again and again, until the dog has had enough of it and the page is full.\\n\\n"
        done ;;
esac
if [ "$interrupted" ]; then
    end true "" aborted_tools
else
    use "first-$word"
    sleep 0.05
    say "Looked at the first of $word.\\n"
    use "second-$word"
    say "Now all of $word is known.\\n"
    end false "# About $word\\n\\nAll of it is known." completed
fi
while [ ! "$ended" ] || [ ${#said[@]} -gt 0 ]; do
    if [ ${#said[@]} = 0 ]; then hear ""; continue; fi
    for name in "${said[@]}"; do tell "$name" started; done
    said=()
    say "Heard more of $word.\\n"
    end false "# More about $word\\n\\nHeard." completed
done
