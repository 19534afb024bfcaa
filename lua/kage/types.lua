---@meta
-- The words of Kage as they travel from kaged; `model.py` is their source. Times are Unix seconds, money is
-- US dollars, and a cost of nil means unpriced, which is never the same as zero.

---@alias kage.State "starting"|"working"|"waiting"|"checking"|"done"|"failed"|"stopped"|"interrupted"|"unknown"

---@class kage.Agent
---@field number integer its name in every command, title, statusline and window
---@field player string
---@field model string what answers, marked when it is recorded
---@field role string?
---@field angle string
---@field state kage.State
---@field reason string what set the state
---@field activity string what it does now
---@field pane string?
---@field worktree string?
---@field tokens_in integer
---@field tokens_cached integer
---@field tokens_out integer
---@field cost_usd number?
---@field started number?
---@field ended number?
---@field unmetered boolean? what it spends is not seen
---@field warning string? what to know of its budget

---@class kage.Candidate
---@field number integer
---@field kind string
---@field agent integer?
---@field commit string
---@field files integer
---@field added integer
---@field removed integer
---@field checks table<string, string>? what each check said
---@field live boolean? what an agent at work has so far

---@class kage.Run
---@field id string
---@field task string
---@field repository string
---@field store string
---@field base string
---@field on string? the candidate that its agents began from, RUN:NUMBER
---@field created number
---@field agents kage.Agent[]
---@field candidates kage.Candidate[]
---@field winner integer?
---@field landed integer?

---@class kage.Update one push of kaged: the whole state of one repository
---@field epoch number which life of kaged it comes from
---@field seq integer grows with every change within an epoch
---@field repository string
---@field runs kage.Run[] newest first

---@class kage.Error
---@field code string a stable word for programs
---@field message string what happened and what was found
---@field fix string? what to do about it
---@field exit integer?
---@field data table?

---@class kage.Selection lines of one file, 1-based, both ends included
---@field path string relative to the repository's root
---@field first integer
---@field last integer
---@field text string

---@class kage.Task
---@field text string
---@field selection kage.Selection?
---@field files string[]
---@field variants table<string, string>? by agent number

---@class kage.Words a command as it was typed
---@field args string everything after the command and its verb, as typed
---@field fargs string[] its words, without --run
---@field run string? the run that --run names
---@field bang boolean
---@field range integer 0 when no range was given
---@field line1 integer
---@field line2 integer
