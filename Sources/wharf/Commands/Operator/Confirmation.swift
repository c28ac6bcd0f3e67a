import ArgumentParser
import Glibc
import Terminal

/// Asks before something is changed that many people would notice.
struct Confirmation: ParsableArguments, Sendable {
    @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false

    /// Returns when a person has agreed. Standard output stays free for results.
    /// - Throws: `ExitCode(1)` after a refusal; `ValidationError` where nobody can be asked.
    func ask(_ question: String) async throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else { throw ValidationError("\(question)\nNobody can be asked here: give --yes.") }
        Console.write("\(question) [y/N] ", to: STDERR_FILENO)
        guard let answer = try await blocking({ readLine()?.lowercased() }), ["y", "yes"].contains(answer) else {
            Console.write("Nothing was changed.\n", to: STDERR_FILENO)
            throw ExitCode.failure
        }
    }
}
