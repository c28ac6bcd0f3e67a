import ArgumentParser

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "Shows, edits, replays and discards messages that could not be handled.",
        discussion: """
            A time is an age such as 15m or 8d, or RFC 3339. A filter selects the letters that match all of its options.

            Exit status 0: done. 1: refused, stopped, or no answer came. 64: the command line is wrong. 78: a setting is wrong.
            """,
        groupedSubcommands: [
            CommandGroup(name: "Reading", subcommands: [List.self, Groups.self, Show.self, Diff.self, Stats.self, Watch.self, Waiting.self, Audit.self, Browse.self]),
            CommandGroup(name: "Resolving", subcommands: [Edit.self, Replay.self, Discard.self, Restore.self, Jobs.self, Group.self]),
            CommandGroup(name: "Transferring", subcommands: [Export.self, Import.self]),
        ], defaultSubcommand: List.self)
}

/// Why a command cannot go on. Unlike a `ValidationError` it does not depend on the command line, and the command's usage would not help.
struct DeadLettersFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
