import ArgumentParser
import Assembly
import FoundationEssentials
import LocalState
import Operations
import Runtime
import Terminal

/// Advances the clock of this folder's shop, which its roles and its sandbox use.
package struct ClockCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "clock",
        abstract: "Shows the time of the shop in this folder, or moves it forward, to try out what expires.",
        discussion: """
            Reservations, unfinished payments, carts, codes, sessions and authorized payments expire by this time. Requests in progress when it moves may time out. \
            Time never goes back; delete \(StateFolder.name)/ to start over. Pauses between retries, and limits that Redis counts, take as long as before.

            Exit status 0: done. 1: there is no shop in this folder. 78: the time of this shop cannot be moved, or not so far.
            """,
        subcommands: [Show.self, Advance.self], defaultSubcommand: Show.self)

    package init() {}

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the shop's time.")

        func run() async throws { ClockCommand.print(ahead: TestClock.offset(in: StateFolder().clock)) }
    }

    struct Advance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Advances the shop's clock.")

        @Argument(help: "By how much: a number and s, m, h or d, as in 15m.")
        var by: String

        func validate() throws {
            guard ClockCommand.seconds(by) != nil else { throw ValidationError("\(by) is not a duration such as 90s, 15m, 36h or 8d.") }
        }

        func run() async throws {
            let folder = StateFolder()
            do {
                let record: RunRecord? = try folder.read(from: StateFolder.recordFile)
                guard let record else { throw UpError(.folder, "There is no shop in \(StateFolder.name)/.", advice: "wharf-dev up starts one.") }
                guard record.sandboxURL != nil else { throw UpError(.settings, "This shop uses a real gateway, whose time cannot be moved.") }
                let ahead = TestClock.offset(in: folder.clock) + (ClockCommand.seconds(by) ?? 0)
                guard TestClock.offsets.contains(ahead) else { throw UpError(.settings, "The shop's clock can be at most \(TestClock.offsets.upperBound / 86_400) days ahead.") }
                try Data("\(ahead)\n".utf8).write(to: URL(filePath: folder.clock), options: .atomic)
                // Each process has noticed the new time when this command ends, so that what follows in a script happens at that time.
                try await ContinuousClock().sleep(for: TestClock.staleness)
                ClockCommand.print(ahead: ahead)
            } catch let error as UpError {
                Role.complain("\(error)")
                throw ExitCode(error.exitStatus)
            }
        }
    }

    /// Nil if the text is not a duration. A valid duration that is too long for the clock is rejected later, when it is added to the clock's.
    static func seconds(_ text: String) -> Int? { ShortDuration.seconds(text, atMost: TestClock.offsets.upperBound * 86_400) }

    private static func print(ahead: Int) {
        Swift.print("\(Date(timeIntervalSinceNow: Double(ahead)).ISO8601Format()), \(ahead) s ahead")
    }
}
