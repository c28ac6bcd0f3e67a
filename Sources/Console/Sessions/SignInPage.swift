import Contracts

/// The sign-in form.
struct SignInPage: Sendable {
    var email: String?
    /// The reason why the last attempt failed.
    var problem: String?
    /// The page to show after the sign-in.
    var next: String?
    var status = 200

    func page(_ context: PageContext) -> Page {
        let problem: Markup = problem.map { "<p class=\"note bad\" role=\"alert\">\($0)</p>" } ?? .nothing
        let next: Markup = next.map { Field.hidden(["next": $0]) } ?? .nothing
        let fields: Markup = """
            \(problem)\(next)\
            <label><span>E-mail address</span><input name="email" type="email" value="\(email ?? "")" autocomplete="username" required></label>\
            <label><span>Password</span><input name="password" type="password" autocomplete="current-password" required></label>\
            <p class="buttons"><button class="accent">Sign in</button></p>
            """
        return Page(
            status: status, title: "Sign in", section: nil,
            content: "<div class=\"sign-in\"><h1>Sign in</h1><p class=\"soft\">For administrators of this shop.</p>\(Field.form(Link.signIn, context, class: "stack", fields))</div>")
    }
}
