import Contracts
import JSON
import Messaging

struct TestResponse: Sendable {
    let status: Int
    /// Lower-case names.
    let headers: [String: String]
    /// The names of the header fields as they were spelled.
    let names: [String]
    var body: [UInt8] = []

    init(head: String) {
        // A grapheme of its own, "\r\n" is one character.
        let lines = head.split(separator: "\r\n")
        status = lines.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) } ?? 0
        var headers: [String: String] = [:]
        var names: [String] = []
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2 else { continue }
            names.append(String(pair[0]))
            headers[pair[0].lowercased()] = String(pair[1].drop(while: { $0 == " " }))
        }
        self.headers = headers
        self.names = names
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The error, when it is a complete one: as RFC 9457 has it, with the status of the response and the path of the request.
    var problem: Problem? {
        guard headers["content-type"] == "application/problem+json", let problem = try? JSON.decode(Problem.self, from: body),
            problem.status == status, headers["x-request-id"] != nil
        else { return nil }
        return problem
    }
}
