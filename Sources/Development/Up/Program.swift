import LocalServers
import Terminal

/// An external program, run to its end.
package struct Program: Sendable {
    package let name: String
    package let arguments: [String]
    package var environment: [String: String] = [:]
    /// nil for the working folder of this process.
    package var workingFolder: String?

    package init(name: String, arguments: [String], environment: [String: String] = [:], workingFolder: String? = nil) {
        self.name = name
        self.arguments = arguments
        self.environment = environment
        self.workingFolder = workingFolder
    }

    /// - Returns: the lines that it printed.
    /// - Throws: ``ProgramError``: `missing` when there is no such program, `failed` with the end of what it printed, `deadline`.
    package func run(within limit: Duration) async throws -> [String] {
        let printed = LineStore()
        let process = ManagedProcess(
            name: name, command: ProcessCommand("/usr/bin/env", [name] + arguments, environment: environment, inheritsEnvironment: false, workingFolder: workingFolder),
            output: .lines { printed.add($0) })
        let (status, isLate) = try await process.run(within: limit)
        try Task.checkCancellation()
        if isLate { throw ProgramError(.deadline, "\(name) took longer than \(limit.inSeconds).") }
        if status == .exited(127) { throw ProgramError(.missing, "\(name) is not installed; make packages installs what is needed.") }
        guard status == .exited(0) else {
            throw ProgramError(.failed, "\(name) \(status):\n\(printed.last(5).joined(separator: "\n"))")
        }
        return printed.all
    }
}

/// Why a program failed.
package typealias ProgramError = CommandError<ProgramErrorCode>

package enum ProgramErrorCode: ErrorCode {
    /// There is no such program.
    case missing
    case failed
    case deadline

    package var exitStatus: Int32 {
        switch self {
        case .missing: 66
        case .failed, .deadline: 1
        }
    }
}
