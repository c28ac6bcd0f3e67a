import ArgumentParser
import Glibc
import Terminal

/// Asks for confirmation before a change.
struct Confirmation: ParsableArguments, Sendable {
    @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false

    /// Returns once the user has agreed. The question does not go to standard output, which is for results.
    /// - Throws: `ExitCode(1)` if the user declines; `ValidationError` if there is no terminal to ask on.
    func ask(_ question: String) async throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else { throw ValidationError("\(question)\nThere is no terminal to confirm on; use --yes.") }
        Console.write("\(question) [y/N] ", to: STDERR_FILENO)
        guard let answer = try await blocking({ readLine()?.lowercased() }), ["y", "yes"].contains(answer) else {
            Console.write("Nothing was changed.\n", to: STDERR_FILENO)
            throw ExitCode.failure
        }
    }
}
