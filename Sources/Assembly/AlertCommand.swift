import DeadLetters
import Logging
import Messaging
import Operations
import Processes
import Terminal

/// The operators' command for alerts about dead letters. It receives only PATH from this process's environment, which contains credentials.
struct AlertCommand: Sendable {
    /// The time after which the command is killed.
    static let limit: Duration = .seconds(10)
    /// How long an alert waits for the commands of other alerts: one for each of the queue's lanes, plus the time to kill them.
    static let patience: Duration = limit * WorkerLimits().lanes + .seconds(2)

    let run: DeadLetterRules.Alert.Command

    init(_ path: String, limit: Duration = limit, logger: Logger) {
        let command = ProcessCommand(path, inheritsEnvironment: false)
        let runner = CommandRunner(name: "the alert command", command: command, limit: limit, patience: Self.patience, clock: SystemClock())
        run = { alert in
            do {
                let result = try await runner.run(input: alert)
                let ending = result.isKilled ? "did not end within \(limit.inSeconds) and was killed" : "\(result.status)"
                let output = result.output.printable
                logger.log(level: result.isSuccess ? .info : .warning, "the alert command \(ending)", metadata: ["output": "\(output)"])
                return result.isSuccess ? nil : output.isEmpty ? "the command \(ending)" : "the command \(ending): \(output)"
            } catch {
                return "\(error)"
            }
        }
    }
}
