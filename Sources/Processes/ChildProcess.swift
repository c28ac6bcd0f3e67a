import Subprocess

/// One run of a command through Subprocess, from spawn to reaping.
struct ChildProcess: Sendable {
    let command: ProcessCommand
    let output: ManagedProcess.Output

    /// Runs the command to its end.
    /// - Parameter started: called once with the process id, as soon as there is one.
    /// - Throws: when the process could not be spawned.
    func run(started: @Sendable (Int32) async -> Void) async throws -> ManagedProcess.ExitStatus {
        switch output {
        case .file(let path):
            let result = try await Subprocess.run(
                command.tiedToThisProcess(log: path), input: .none, output: .discarded, error: .discarded
            ) { execution in
                LiveProcesses.add(execution.processIdentifier.value)
                await started(execution.processIdentifier.value)
            }
            return finished(result.processIdentifier.value, result.terminationStatus)
        case .lines(let take):
            let result = try await Subprocess.run(
                command.tiedToThisProcess(), input: .none, output: .sequence, error: .combinedWithOutput
            ) { execution in
                LiveProcesses.add(execution.processIdentifier.value)
                await started(execution.processIdentifier.value)
                await Self.read(execution.standardOutput, line: take)
            }
            return finished(result.processIdentifier.value, result.terminationStatus)
        }
    }

    /// An unreadable pipe loses output, never the process: its end is still waited for.
    private static func read(_ output: SubprocessOutputSequence, line: @Sendable (String) -> Void) async {
        var splitter = LineSplitter()
        do {
            for try await buffer in output {
                let bytes = unsafe buffer.withUnsafeBytes { unsafe Array($0) }
                for text in splitter.lines(adding: bytes) { line(text) }
            }
        } catch {
            line("output lost: \(error)")
        }
        if let text = splitter.last() { line(text) }
    }

    private func finished(_ id: Int32, _ status: TerminationStatus) -> ManagedProcess.ExitStatus {
        LiveProcesses.remove(id)
        return switch status {
        case .exited(let code): .exited(code)
        case .signaled(let signal): .signalled(signal)
        }
    }
}
