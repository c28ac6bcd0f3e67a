import FoundationEssentials
import Up

/// Clients that send one request after another, each over a connection of its own. They run in wrk: a client in Swift took as much of the
/// processors, which it shares with what it measures, as the ingress.
struct KeepAliveClients: Sendable {
    private static let grace = Duration.seconds(30)

    let folder: BenchFolder
    /// The shop's URL, without a slash at the end.
    let url: String

    /// - Parameter requests: `METHOD path` or `METHOD path body`; sent in turns. Each must succeed.
    func measure(_ requests: [String], clients: Int, seconds: Int) async throws -> PrintedFigures {
        // Each URL has its own file, because several may be measured at once.
        let list = folder.file("requests-\(url.split(separator: ":").last ?? "")")
        try Data(requests.joined(separator: "\n").utf8).write(to: URL(filePath: list))
        let arguments = ["-t", "1", "-c", "\(clients)", "-d", "\(seconds)s", "-s", "\(folder.programs)/requests.lua", url, "--", list]
        return try PrintedFigures(try await Program(name: "wrk", arguments: arguments).run(within: .seconds(seconds) + Self.grace))
    }
}
