import FoundationEssentials
import LocalServers

/// Prometheus' checker (Debian's package `prometheus`).
public enum Promtool {
    /// - Returns: The success of the check, and its output.
    /// - Parameter input: Its standard input.
    public static func run(_ arguments: [String], input: String = "") async throws -> (isSuccess: Bool, output: String) {
        let folder = TestServers.folder("promtool")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(input.utf8).write(to: URL(filePath: "\(folder)/input"))
        let command = ["-c", #"input=$1; shift; exec promtool "$@" < "$input""#, "sh", "\(folder)/input"] + arguments
        let process = ManagedProcess(
            name: "promtool", command: ProcessCommand("/bin/sh", command, inheritsEnvironment: false), output: .file("\(folder)/output"))
        try await process.start()
        let exit = await process.exit
        let output = (try? Data(contentsOf: URL(filePath: "\(folder)/output"))).map { String(decoding: $0, as: UTF8.self) }
        return (exit == .exited(0), output ?? "")
    }
}
