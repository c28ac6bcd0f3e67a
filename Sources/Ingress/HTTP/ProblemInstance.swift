import Contracts
import JSON
import Messaging

/// Makes every error a complete problem. Services do not know the path of the request, and a reply with an error status may lack a body.
enum ProblemInstance {
    static func complete(_ reply: Reply, path: String) -> Reply {
        guard reply.status >= 400 else { return reply }
        var problem: Problem
        if let complete = try? JSON.decode(Problem.self, from: reply.body) {
            problem = complete
        } else {
            problem = Problem("error", title: "Error", status: reply.status, detail: "The service gave no further reason.")
        }
        problem.instance = path
        var completed = Reply(problem, headers: reply.headers)
        completed.status = reply.status
        completed.isReplayed = reply.isReplayed
        return completed
    }
}
