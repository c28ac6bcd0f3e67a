import Subprocess

/// Short-lived programs: `psql`, `initdb`, `rabbitmqctl`.
enum Tool {
    static let limit = Duration.seconds(180)
    static let maximumOutputBytes = 4 * 1024 * 1024

    struct Result: Sendable {
        let isSuccess: Bool
        let status: String
        let output: String
        let errors: String

        /// - Returns: standard output.
        /// - Throws: ``LocalServerError`` with code `tool` and the output of `command`.
        func succeeded(_ command: ProcessCommand) throws -> String {
            guard isSuccess else {
                let what = "\(command.executable) \(command.arguments.first ?? "")"
                throw LocalServerError(.tool, "\(what) ended with \(status): \(errors)\(output)")
            }
            return output
        }
    }

    /// Runs a program to its end.
    /// - Returns: its standard output.
    /// - Throws: ``LocalServerError`` with code `tool` when it fails or takes longer than the limit (180 seconds).
    static func run(_ command: ProcessCommand, within limit: Duration = limit) async throws -> String {
        try await attempt(command, within: limit).succeeded(command)
    }

    /// The same for a program whose failure is an answer.
    static func attempt(_ command: ProcessCommand, within limit: Duration = limit) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                let result = try await Subprocess.run(
                    command.tiedToThisProcess(),
                    output: .string(limit: maximumOutputBytes), error: .string(limit: maximumOutputBytes))
                return Result(
                    isSuccess: result.terminationStatus.isSuccess, status: "\(result.terminationStatus)",
                    output: result.standardOutput, errors: result.standardError)
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            // Leaving cancels the other child task; a cancelled Subprocess kills its process.
            defer { group.cancelAll() }
            guard let result = try await group.next() ?? nil else {
                throw LocalServerError(.tool, "\(command.executable) took longer than \(limit).")
            }
            return result
        }
    }
}
