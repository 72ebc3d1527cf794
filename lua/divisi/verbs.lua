---Verbs of `:Divisi` about many sessions, and about judging them.

---@type table<string, divisi.Verb>
return {
  eval = {
    help = "judge a session's work; what did not pass goes to the quickfix list",
    flags = { "--suite=" },
    complete = function(words, lead)
      require("divisi.host").start()
      return require("divisi.evaluate").complete(words, lead)
    end,
    run = function(invocation)
      require("divisi.commands").when_attached(function()
        require("divisi.evaluate").run(invocation)
      end)
    end,
  },
  batch = {
    help = "many agents on many tasks: run {plan}, open [id], list",
    flags = { "--environment=", "--concurrency=" },
    complete = function(words, lead)
      require("divisi.host").start()
      return require("divisi.batch").complete(words, lead)
    end,
    run = function(invocation)
      require("divisi.batch").run(invocation)
    end,
  },
  bench = {
    help = "benchmarks: list, open [run], run {arguments}",
    complete = function(words, lead)
      return require("divisi.bench").complete(words, lead)
    end,
    run = function(invocation)
      require("divisi.bench").run(invocation)
    end,
  },
}
