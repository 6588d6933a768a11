Console.WriteLine("LocalAws");
